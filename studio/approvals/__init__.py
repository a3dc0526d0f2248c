"""What waits for approval: whom it is told, its pages, and the decision."""
