"""Delete, undo, and the two commands that make room."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import Team, User
from billing.models import Hold, LedgerEntry
from studio.galleries import services
from studio.generation import files
from studio.generation.images import CleanImage
from studio.generation.models import Artifact, InputFile, Job
from tests.factories import draw, make_artifact, make_artifacts, make_job

HTMX = {"HX-Request": "true"}


@pytest.fixture
def browser(alice: User, team: Team, client_of: Callable[..., Client]) -> Client:
    return client_of(alice)


def deleted(artifact: Artifact) -> bool:
    return Artifact.objects.get(pk=artifact.pk).deleted_at is not None


def on_disk() -> list[str]:
    root = Path(settings.MEDIA_ROOT)
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_deleting_offers_undo_and_undo_undoes(browser: Client, alice: User, team: Team) -> None:
    picture = make_artifact(team, alice)
    response = browser.post(f"/pictures/{picture.id}/delete/", headers=HTMX)
    assert response.status_code == 200
    assert deleted(picture)
    text = response.content.decode()
    assert "Picture deleted." in text
    assert f'hx-post="/pictures/{picture.id}/restore/"' in text
    assert 'hx-swap-oob="beforeend:#toasts"' in text
    assert default_storage.exists(picture.variant("original"))
    undone = browser.post(f"/pictures/{picture.id}/restore/", headers=HTMX)
    assert not deleted(picture)
    assert undone["HX-Trigger"] == f'{{"picture:restored": {{"id": "{picture.id}"}}}}'
    assert "Picture restored." in undone.content.decode()


def test_a_job_whose_pictures_are_in_the_trash_says_so_and_brings_them_back(browser: Client, alice: User, team: Team) -> None:
    one, two = make_artifacts(team, alice, 2)
    card, stage = f"/jobs/{one.job_id}/", f"/jobs/{one.job_id}/stage/"
    services.trash(one)
    assert "In the trash." not in browser.get(card, headers=HTMX).content.decode()
    services.trash(two)
    assert "In the trash." in browser.get(card, headers=HTMX).content.decode()
    shown = browser.get(stage, headers=HTMX).content.decode()
    assert "<h2>In the trash</h2>" in shown
    assert f'action="/jobs/{one.job_id}/restore/"' in shown
    answer = browser.post(f"/jobs/{one.job_id}/restore/")
    assert answer["Location"] == f"/create/?job={one.job_id}"
    assert not deleted(one)
    assert not deleted(two)
    Artifact.objects.all().delete()
    assert "Deleted for good." in browser.get(card, headers=HTMX).content.decode()
    assert "Bring back" not in browser.get(stage, headers=HTMX).content.decode()


def test_only_who_may_edit_brings_a_job_s_pictures_back(
    client_of: Callable[..., Client], alice: User, carol: User, mallory: User, team: Team
) -> None:
    picture = make_artifact(team, alice)
    services.trash(picture)
    assert client_of(mallory).post(f"/jobs/{picture.job_id}/restore/").status_code == 404
    assert client_of(carol).post(f"/jobs/{picture.job_id}/restore/").status_code == 403
    assert deleted(picture)


def test_deleting_twice_keeps_the_first_moment(browser: Client, alice: User, team: Team) -> None:
    picture = make_artifact(team, alice)
    browser.post(f"/pictures/{picture.id}/delete/")
    moment = Artifact.objects.get(pk=picture.pk).deleted_at
    assert browser.post(f"/pictures/{picture.id}/delete/", headers=HTMX).status_code == 200
    assert Artifact.objects.get(pk=picture.pk).deleted_at == moment


def test_without_javascript_deleting_leads_to_the_next_picture(browser: Client, alice: User, team: Team) -> None:
    now = timezone.now()
    old, middle, new = (make_artifact(team, alice, files=False, prompt=f"red {n}", made_at=now - timedelta(hours=3 - n)) for n in range(3))
    response = browser.post(f"/pictures/{middle.id}/delete/?q=red")
    assert (response.status_code, response["Location"]) == (302, f"/pictures/{old.id}/?q=red")
    page = browser.get(response["Location"]).content.decode()
    assert re.search(rf'Picture deleted\. <form class="inline" method="post" action="/pictures/{middle.id}/restore/">.*Undo', page, re.S)
    assert page.count(">Undo</button>") == 1, "and its markup is nowhere in an attribute"
    assert browser.post(f"/pictures/{old.id}/delete/?q=red")["Location"] == f"/pictures/{new.id}/?q=red"
    assert browser.post(f"/pictures/{new.id}/delete/?q=red")["Location"] == "/library/"
    restored = browser.post(f"/pictures/{middle.id}/restore/")
    assert restored["Location"] == f"/pictures/{middle.id}/"
    assert not deleted(middle)


def test_who_may_delete_and_restore(
    team: Team, alice: User, bob: User, carol: User, mallory: User, client_of: Callable[..., Client]
) -> None:
    picture = make_artifact(team, alice)
    for person, status in ((carol, 403), (mallory, 404)):
        for headers in ({}, HTMX):
            assert client_of(person).post(f"/pictures/{picture.id}/delete/", headers=headers).status_code == status
            assert not deleted(picture)
    assert Client().post(f"/pictures/{picture.id}/delete/").status_code == 302
    assert not deleted(picture)
    assert client_of(bob).post(f"/pictures/{picture.id}/delete/").status_code == 302
    assert deleted(picture)
    for person, status in ((carol, 403), (mallory, 404)):
        assert client_of(person).post(f"/pictures/{picture.id}/restore/").status_code == status
        assert deleted(picture)


def test_reading_an_address_deletes_nothing(browser: Client, alice: User, team: Team) -> None:
    picture = make_artifact(team, alice)
    assert browser.get(f"/pictures/{picture.id}/delete/").status_code == 405
    assert not deleted(picture)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    assert strict.post(f"/pictures/{picture.id}/delete/").status_code == 403
    assert not deleted(picture)


def test_a_trashed_picture_is_there_only_for_those_who_may_restore_it(
    browser: Client, alice: User, team: Team, bob: User, carol: User, mallory: User, client_of: Callable[..., Client]
) -> None:
    picture = make_artifact(team, alice)
    browser.post(f"/pictures/{picture.id}/delete/")
    page = client_of(bob).get(f"/pictures/{picture.id}/").content.decode()
    day = timezone.localtime(Artifact.objects.get(pk=picture.pk).deleted_at + timedelta(days=settings.TRASH_DAYS))
    assert f"It is kept until {day.day} {day:%B %Y}." in page
    assert f'action="/pictures/{picture.id}/restore/"' in page
    assert "/delete/" not in page
    assert client_of(bob).get(f"/pictures/{picture.id}/thumb").status_code == 200
    for person in (carol, mallory):
        for path in ("", "thumb", "original", "download/"):
            assert client_of(person).get(f"/pictures/{picture.id}/{path}").status_code == 404


def test_emptying_the_trash_takes_rows_and_files_and_leaves_the_books(alice: User, team: Team, capsys: pytest.CaptureFixture[str]) -> None:
    old, recent, kept = make_artifacts(team, alice, 3)
    child = make_artifact(team, alice, parent=old)
    books = list(LedgerEntry.objects.order_by("id").values_list("kind", "amount", "held"))
    Artifact.objects.filter(pk=old.pk).update(deleted_at=timezone.now() - timedelta(days=settings.TRASH_DAYS, minutes=1))
    Artifact.objects.filter(pk=recent.pk).update(deleted_at=timezone.now() - timedelta(days=settings.TRASH_DAYS, minutes=-1))
    expected = [name for name in on_disk() if str(old.id) not in name]
    assert len(on_disk()) - len(expected) == 2
    call_command("empty_trash")
    assert capsys.readouterr().out == "1 item deleted for good.\n"
    assert set(Artifact.objects.values_list("pk", flat=True)) == {recent.pk, kept.pk, child.pk}
    assert on_disk() == expected
    assert list(LedgerEntry.objects.order_by("id").values_list("kind", "amount", "held")) == books
    assert Hold.objects.get(pk=old.job.hold_id).captured == 3000
    assert Job.objects.get(pk=child.job_id).parent is None
    call_command("empty_trash", days=0)
    assert capsys.readouterr().out == "1 item deleted for good.\n"
    assert deleted(kept) is False


def test_emptying_goes_in_batches(alice: User, team: Team, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(services, "BATCH", 2)
    make_artifacts(team, alice, 5, files=False)
    Artifact.objects.update(deleted_at=timezone.now() - timedelta(days=1))
    assert services.empty_trash(timezone.now()) == 5
    assert not Artifact.objects.exists()


def age(name: str, days: float) -> None:
    moment = (timezone.now() - timedelta(days=days)).timestamp()
    os.utime(default_storage.path(name), (moment, moment))


def test_pruning_takes_old_files_without_a_row_and_nothing_else(alice: User, team: Team, capsys: pytest.CaptureFixture[str]) -> None:
    kept, lost, fresh = make_artifact(team, alice), make_artifact(team, alice), make_artifact(team, alice)
    trashed = make_artifact(team, alice)
    Artifact.objects.filter(pk=trashed.pk).update(deleted_at=timezone.now())
    given = files.save_input(CleanImage(draw(64, 64, 1), 64, 64), team=team, user=alice)
    gone = files.save_input(CleanImage(draw(seed=2), 64, 64), team=team, user=alice)
    Artifact.objects.filter(pk__in=[lost.pk, fresh.pk]).delete()
    InputFile.objects.filter(pk=gone.pk).delete()
    default_storage.save("artifacts/zz/not-an-id/original.png", ContentFile(b"somebody else's"))
    default_storage.save("elsewhere/file.txt", ContentFile(b"somebody else's"))
    for name in on_disk():
        age(name, 0.5 if str(fresh.id) in name else 2)
    before = on_disk()
    doomed = [name for name in before if str(lost.id) in name or str(gone.id) in name]
    assert len(doomed) == 3
    call_command("prune_files", dry_run=True)
    assert capsys.readouterr().out == "".join(f"{name}\n" for name in doomed) + "3 files without a picture, nothing deleted.\n"
    assert on_disk() == before
    call_command("prune_files")
    assert capsys.readouterr().out == "3 files deleted.\n"
    assert on_disk() == [name for name in before if name not in doomed]
    assert default_storage.exists(kept.variant("original"))
    assert default_storage.exists(given.file)


def test_pruning_takes_uploads_that_nobody_used(alice: User, team: Team, capsys: pytest.CaptureFixture[str]) -> None:
    used, masked, unused, recent = (files.save_input(CleanImage(draw(seed=n), 64, 64), team=team, user=alice) for n in range(4))
    make_job(team, alice, image=used)
    Job.objects.filter(pk=make_job(team, alice).pk).update(mask_image=masked)
    InputFile.objects.exclude(pk=recent.pk).update(created_at=timezone.now() - timedelta(days=8))
    call_command("prune_files")
    assert capsys.readouterr().out == "0 files deleted. Unused uploads deleted: 1.\n"
    assert set(InputFile.objects.values_list("pk", flat=True)) == {used.pk, masked.pk, recent.pk}
    assert [default_storage.exists(row.file) for row in (used, masked, unused, recent)] == [True, True, False, True]


def test_pruning_removes_folders_that_stay_behind(alice: User, team: Team) -> None:
    picture = make_artifact(team, alice)
    folder = Artifact.folder(picture.id)
    files.delete_artifacts([picture.id])
    Artifact.objects.filter(pk=picture.pk).delete()
    call_command("prune_files", verbosity=0)
    assert default_storage.exists(folder)
    age(folder, 2)
    call_command("prune_files", verbosity=0)
    assert not default_storage.exists(folder)


def test_pruning_an_empty_storage(db: None, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("prune_files")
    assert capsys.readouterr().out == "0 files deleted.\n"
