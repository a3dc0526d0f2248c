from django.urls import path

from studio.generation.views import batches, choosing, create, finishing, grids, history, inputs, jobs, tables, templates

urlpatterns = [
    path("create/", create.create, name="create"),
    path("create/form/", create.create_form, name="create_form"),
    path("create/engine/", create.create_engine, name="create_engine"),
    path("create/quote/", create.create_quote, name="create_quote"),
    path("create/templates/", templates.create_templates, name="create_templates"),
    path("create/history/", history.prompt_history, name="prompt_history"),
    path("create/final/<uuid:artifact_id>/", finishing.make_final, name="make_final"),
    path("create/batch/", tables.batch_table, name="batch_table"),
    path("create/batch/example/", tables.batch_example, name="batch_example"),
    path("create/grid/", grids.grid, name="grid"),
    path("jobs/<uuid:job_id>/", jobs.job, name="job"),
    path("jobs/<uuid:job_id>/stage/", jobs.job_stage, name="job_stage"),
    path("jobs/<uuid:job_id>/cancel/", jobs.job_cancel, name="job_cancel"),
    path("jobs/<uuid:job_id>/retry/", jobs.job_retry, name="job_retry"),
    path("jobs/<uuid:job_id>/preview/<int:step>.jpg", jobs.job_preview, name="job_preview"),
    path("batches/<uuid:batch_id>/", batches.batch, name="batch"),
    path("batches/<uuid:batch_id>/changes/", batches.batch_changes, name="batch_changes"),
    path("batches/<uuid:batch_id>/retry/", batches.batch_retry, name="batch_retry"),
    path("batches/<uuid:batch_id>/pause/", batches.batch_do, {"action": "pause"}, name="batch_pause"),
    path("batches/<uuid:batch_id>/go-on/", batches.batch_do, {"action": "go-on"}, name="batch_go_on"),
    path("batches/<uuid:batch_id>/cancel/", batches.batch_do, {"action": "cancel"}, name="batch_cancel"),
    path("inputs/", inputs.input_upload, name="input_upload"),
    path("inputs/read/", inputs.input_read, name="input_read"),
    path("inputs/from/<uuid:artifact_id>/", choosing.input_from_library, name="input_from_library"),
    path("inputs/<uuid:input_id>/", inputs.input_file, name="input_file"),
]
