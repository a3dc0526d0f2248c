from django.urls import path

from studio.generation.views import choosing, create, finishing, inputs, jobs

urlpatterns = [
    path("create/", create.create, name="create"),
    path("create/form/", create.create_form, name="create_form"),
    path("create/engine/", create.create_engine, name="create_engine"),
    path("create/quote/", create.create_quote, name="create_quote"),
    path("create/final/<uuid:artifact_id>/", finishing.make_final, name="make_final"),
    path("jobs/<uuid:job_id>/", jobs.job, name="job"),
    path("jobs/<uuid:job_id>/stage/", jobs.job_stage, name="job_stage"),
    path("jobs/<uuid:job_id>/cancel/", jobs.job_cancel, name="job_cancel"),
    path("jobs/<uuid:job_id>/retry/", jobs.job_retry, name="job_retry"),
    path("jobs/<uuid:job_id>/preview/<int:step>.jpg", jobs.job_preview, name="job_preview"),
    path("inputs/", inputs.input_upload, name="input_upload"),
    path("inputs/read/", inputs.input_read, name="input_read"),
    path("inputs/from/<uuid:artifact_id>/", choosing.input_from_library, name="input_from_library"),
    path("inputs/<uuid:input_id>/", inputs.input_file, name="input_file"),
]
