from django.urls import path

from studio.prompts.pages import brand, editor, exchange, sharing, side_by_side, templates, versions, wildcards

_ONE = "templates/<uuid:template_id>/"

urlpatterns = [
    path("templates/", templates.templates, name="templates"),
    path("templates/new/", editor.template_new, name="template_new"),
    path("templates/new/preview/", editor.template_new_preview, name="template_new_preview"),
    path("templates/settings/", editor.template_settings, name="template_settings"),
    path(_ONE, editor.template, name="template"),
    path(f"{_ONE}preview/", editor.template_preview, name="template_preview"),
    path(f"{_ONE}diff/", versions.template_diff, name="template_diff"),
    path(f"{_ONE}compare/", side_by_side.template_compare, name="template_compare"),
    path(f"{_ONE}compare/<uuid:batch_id>/", side_by_side.template_comparison, name="template_comparison"),
    path(f"{_ONE}about/", templates.template_describe, name="template_describe"),
    path(f"{_ONE}favorite/", templates.template_favorite, name="template_favorite"),
    path(f"{_ONE}archive/", templates.template_archive, name="template_archive"),
    path(f"{_ONE}visibility/", templates.template_visibility, name="template_visibility"),
    path(f"{_ONE}cover/", templates.template_cover, name="template_cover"),
    path(f"{_ONE}versions/<int:number>/", versions.template_version, name="template_version"),
    path(f"{_ONE}versions/<int:number>/publish/", versions.template_publish, name="template_publish"),
    path(f"{_ONE}versions/<int:number>/restore/", versions.template_restore, name="template_restore"),
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
