from django.urls import path

from studio.moderation import views

urlpatterns = [path("team/words/", views.team_words, name="team_words")]
