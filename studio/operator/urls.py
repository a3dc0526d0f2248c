from django.urls import path

from studio.operator.pages import jobs, overview

_QUEUE = "operator/queues/<slug:queue>/"
_JOB = "operator/jobs/<uuid:job_id>/"

urlpatterns = [
    path("operator/", overview.operator, name="operator"),
    path("operator/rates/", overview.operator_rates, name="operator_rates"),
    path(f"{_QUEUE}pause/", overview.operator_pause, name="operator_pause"),
    path(f"{_QUEUE}resume/", overview.operator_resume, name="operator_resume"),
    path("operator/running/", jobs.operator_running, name="operator_running"),
    path("operator/waiting/", jobs.operator_waiting, name="operator_waiting"),
    path(_JOB, jobs.operator_job, name="operator_job"),
    path(f"{_JOB}front/", jobs.operator_front, name="operator_front"),
    path(f"{_JOB}stop/", jobs.operator_stop, name="operator_stop"),
]
