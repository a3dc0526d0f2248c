"""For programs: the studio's own API under `/api/v1/`, and the Stability API served by the studio."""
