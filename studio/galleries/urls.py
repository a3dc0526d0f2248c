from django.urls import path

from studio.galleries import views
from studio.galleries.pages import archive, choosing

urlpatterns = [
    path("library/", views.library, name="library"),
    path("library/zip/", archive.pictures_zip, name="pictures_zip"),
    path("inputs/choose/", choosing.input_choose, name="input_choose"),
    path("pictures/<uuid:artifact_id>/", views.picture, name="picture"),
    path("pictures/<uuid:artifact_id>/download/", views.picture_download, name="picture_download"),
    path("pictures/<uuid:artifact_id>/delete/", views.picture_delete, name="picture_delete"),
    path("pictures/<uuid:artifact_id>/restore/", views.picture_restore, name="picture_restore"),
    path("jobs/<uuid:job_id>/restore/", views.job_restore, name="job_restore"),
    path("pictures/<uuid:artifact_id>/<str:variant>", views.picture_file, name="picture_file"),
]
