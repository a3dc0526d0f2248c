from django.urls import URLPattern, path

from studio.approvals import views

urlpatterns: list[URLPattern] = [
    path("wallet/approvals/", views.approvals, name="wallet_approvals"),
    path("wallet/approvals/batches/<uuid:batch_id>/", views.batch_approval, name="wallet_batch_approval"),
    path("wallet/approvals/<uuid:job_id>/", views.approval, name="wallet_approval"),
]
