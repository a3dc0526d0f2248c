from django.urls import path

from studio.privacy import views

urlpatterns = [
    path("account/data/", views.your_data, name="your_data"),
    path("account/data/export/", views.export, name="export"),
    path("account/delete/", views.delete_account, name="delete_account"),
    path("account/deleted/", views.account_deleted, name="account_deleted"),
]
