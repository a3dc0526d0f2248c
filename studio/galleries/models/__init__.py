"""What a team does with what it made: puts it on show, sorts it, talks about it."""

from studio.galleries.models.galleries import Gallery, GalleryItem, Review, Visibility
from studio.galleries.models.sharing import Report, ShareLink
from studio.galleries.models.sorting import Mark, Tag, Tagging
from studio.galleries.models.talk import Comment, Notice
from studio.galleries.models.trash import Trashing

__all__ = [
    "Comment",
    "Gallery",
    "GalleryItem",
    "Mark",
    "Notice",
    "Report",
    "Review",
    "ShareLink",
    "Tag",
    "Tagging",
    "Trashing",
    "Visibility",
]
