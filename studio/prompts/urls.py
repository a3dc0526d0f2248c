from django.urls import path

from studio.prompts.pages import exchange, sharing

urlpatterns = [
    # from elsewhere and to elsewhere
    path("templates/import/", exchange.templates_import, name="templates_import"),
    path("templates/export/", exchange.templates_export, name="templates_export"),
    path("templates/starters/", exchange.template_starters, name="template_starters"),
    path("templates/starters/<slug:slug>/", exchange.template_starter, name="template_starter"),
    path("templates/starters/<slug:slug>/cover.webp", exchange.template_starter_cover, name="template_starter_cover"),
    path("templates/<uuid:template_id>/link/", sharing.template_link, name="template_link"),
    path("t/<str:token>/", sharing.shared, name="shared_template"),
    path("t/<str:token>/cover.webp", sharing.shared_cover, name="shared_template_cover"),
    path("t/<str:token>/template.json", sharing.shared_file, name="shared_template_file"),
    path("t/<str:token>/take/", sharing.shared_take, name="shared_template_take"),
]
