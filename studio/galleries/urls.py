from django.urls import path

from studio.galleries import views
from studio.galleries.pages import archive, arranging, choosing, galleries, public, reviewing, sharing

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
    # galleries
    path("galleries/", galleries.galleries, name="galleries"),
    path("galleries/new/", galleries.gallery_new, name="gallery_new"),
    path("galleries/targets/", arranging.gallery_targets, name="gallery_targets"),
    path("galleries/<uuid:gallery_id>/", galleries.gallery, name="gallery"),
    path("galleries/<uuid:gallery_id>/edit/", galleries.gallery_edit, name="gallery_edit"),
    path("galleries/<uuid:gallery_id>/delete/", galleries.gallery_delete, name="gallery_delete"),
    path("galleries/<uuid:gallery_id>/restore/", galleries.gallery_restore, name="gallery_restore"),
    path("galleries/<uuid:gallery_id>/add/", arranging.gallery_add, name="gallery_add"),
    path("galleries/<uuid:gallery_id>/move/", arranging.gallery_move, name="gallery_move"),
    path("galleries/<uuid:gallery_id>/cover/", arranging.gallery_cover, name="gallery_cover"),
    path("galleries/<uuid:gallery_id>/remove/", arranging.gallery_remove, name="gallery_remove"),
    path("galleries/<uuid:gallery_id>/put-back/", arranging.gallery_put_back, name="gallery_put_back"),
    path("galleries/<uuid:gallery_id>/visibility/", sharing.gallery_visibility, name="gallery_visibility"),
    path("galleries/<uuid:gallery_id>/links/", sharing.gallery_link_new, name="gallery_link_new"),
    path("galleries/links/<uuid:link_id>/revoke/", sharing.gallery_link_revoke, name="gallery_link_revoke"),
    path("pictures/<uuid:artifact_id>/galleries/", arranging.picture_galleries, name="picture_galleries"),
    # what leaves the team, and what people outside say
    path("review/", reviewing.review, name="review"),
    path("review/decide/", reviewing.review_decide, name="review_decide"),
    path("review/reports/<int:report_id>/", reviewing.report_handle, name="report_handle"),
    path("s/<str:token>/", public.wall, name="shared"),
    path("s/<str:token>/unlock/", public.unlock, name="shared_unlock"),
    path("s/<str:token>/report/", public.report, name="shared_report"),
    path("s/<str:token>/<uuid:artifact_id>/", public.picture, name="shared_picture"),
    path("s/<str:token>/<uuid:artifact_id>/<str:variant>", public.file, name="shared_file"),
    path("public/<uuid:gallery_id>/", public.wall, name="public_gallery"),
    path("public/<uuid:gallery_id>/report/", public.report, name="public_report"),
    path("public/<uuid:gallery_id>/<uuid:artifact_id>/", public.picture, name="public_picture"),
    path("public/<uuid:gallery_id>/<uuid:artifact_id>/<str:variant>", public.file, name="public_file"),
]
