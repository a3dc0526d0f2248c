from django.urls import path

from studio.prompts.pages import brand, exchange, sharing, wildcards

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
    # brand rules and lists of words
    path("team/rules/", brand.brand_rules, name="brand_rules"),
    path("team/rules/new/<slug:kind>/", brand.brand_rule_new, name="brand_rule_new"),
    path("team/rules/<int:rule_id>/", brand.brand_rule, name="brand_rule"),
    path("team/rules/<int:rule_id>/delete/", brand.brand_rule_delete, name="brand_rule_delete"),
    path("templates/lists/", wildcards.wildcards, name="wildcards"),
    path("templates/lists/new/", wildcards.wildcard_new, name="wildcard_new"),
    path("templates/lists/named/<slug:name>/", wildcards.wildcard, name="wildcard"),
    path("templates/lists/named/<slug:name>/delete/", wildcards.wildcard_delete, name="wildcard_delete"),
]
