"""Comments, thanks, updates and flags over HTTP."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.factories import Town
from tests.routers.test_manners import assert_problem

STAR = {"If-Match": "*"}


async def test_a_comment_is_answered_and_listed_with_its_author_and_safe_words(town: Town) -> None:
    made = await town.pin()
    path = f"/api/v1/assets/{made['id']}/comments"
    text = "**Well** said <script>alert(1)</script> [link](javascript:alert(1)) [ok](https://example.org)"
    answer = await town["author"].post(path, json={"text": text})
    assert (answer.status_code, answer.headers["etag"][:2]) == (201, '"1')
    said = answer.json()
    assert set(said) == {"uid", "asset", "reply_to", "author", "text", "text_html", "state", "created_at", "updated_at",
                         "version", "may"}  # fmt: skip
    assert said["text"] == text
    assert said["author"] == {"uid": str(town.people["author"].uid), "name": "Author"}
    assert (said["asset"], said["reply_to"], said["state"], said["version"]) == (made["id"], None, "published", 1)
    assert "<strong>Well</strong>" in said["text_html"]
    assert "<script" not in said["text_html"]
    assert "javascript" not in said["text_html"].partition("href")[2].partition(">")[0]
    assert 'href="https://example.org"' in said["text_html"]
    assert 'rel="nofollow noopener ugc"' in said["text_html"]
    assert said["may"] == ["comments.amend", "comments.withdraw"]
    (listed,) = (await town["visitor"].get(path)).json()["items"]
    assert listed == said | {"may": []}
    reply = await town["stranger"].post(path, json={"text": "Indeed", "reply_to": said["uid"]})
    assert reply.json()["reply_to"] == said["uid"]
    (moderated, _) = (await town["officer"].get(path)).json()["items"]
    assert moderated["may"] == ["moderation.hide"]


@pytest.mark.parametrize("name", ["comments", "updates"])
@pytest.mark.parametrize(
    ("text", "status"),
    [("x", 201), ("x" * 5000, 201), ("x" * 5001, 422), ("", 422), ("  \n", 422), (None, 422), (5, 422), ("a\x00b", 422),
     ("🌱", 201), ("a\nb", 201)],
)  # fmt: skip
async def test_words_have_a_length(town: Town, name: str, text: Any, status: int) -> None:
    made = await town.pin()
    answer = await town["owner"].post(f"/api/v1/assets/{made['id']}/{name}", json={"text": text})
    assert answer.status_code == status
    if status == 201 and len(text) == 1:
        path = f"/api/v1/{name}/{answer.json()['uid']}"
        for length, expected in ((5000, 200), (5001, 422), (0, 422)):
            assert (await town["owner"].patch(path, json={"text": "x" * length}, headers=STAR)).status_code == expected


@pytest.mark.parametrize("reply_to", ["x", 5, str(UUID(int=1)), "of another asset"])
async def test_a_reply_needs_a_comment_of_this_asset(town: Town, reply_to: Any) -> None:
    scene, elsewhere = await town.scene(), await town.scene()
    body = {"text": "Indeed", "reply_to": str(elsewhere.comment) if reply_to == "of another asset" else reply_to}
    answer = await town["stranger"].post(f"/api/v1/assets/{scene.asset}/comments", json=body)
    assert answer.status_code == (404 if reply_to == str(UUID(int=1)) else 422)


@pytest.mark.parametrize("name", ["comment", "update"])
async def test_a_change_of_words_needs_the_version_that_it_knows(town: Town, name: str) -> None:
    scene = await town.scene()
    path = f"/api/v1/{name}s/{getattr(scene, name)}"
    client = town["author"]
    for method in ("PATCH", "DELETE"):
        body = {"text": "Better"} if method == "PATCH" else None
        assert_problem(await client.request(method, path, json=body), 428, "precondition-required")
        assert_problem(await client.request(method, path, json=body, headers={"If-Match": '"7"'}), 412, "stale")
    changed = await client.patch(path, json={"text": "Better"}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["version"], changed.json()["text"]) == (200, 2, "Better")
    assert (await client.delete(path, headers={"If-Match": '"1"'})).status_code == 412
    gone = await client.delete(path, headers={"If-Match": '"2"'})
    assert (gone.status_code, gone.content) == (204, b"")
    listed = (await town["visitor"].get(f"/api/v1/assets/{scene.asset}/{name}s")).json()
    assert listed["items"] == []


async def test_a_hidden_comment_is_there_for_its_author_and_officers_only(town: Town) -> None:
    scene = await town.scene()
    why = {"reason": "It is unkind."}
    assert (await town["officer"].post(f"/api/v1/comments/{scene.comment}/hide", json=why)).status_code == 200
    listed = f"/api/v1/assets/{scene.asset}/comments"
    seen = {who: [item["state"] for item in (await town[who].get(listed)).json()["items"]]
            for who in ("visitor", "stranger", "owner", "author", "officer", "far_officer", "operator")}  # fmt: skip
    assert seen == {"visitor": [], "stranger": [], "owner": [], "author": ["hidden"], "officer": ["hidden"],
                    "far_officer": [], "operator": ["hidden"]}  # fmt: skip
    assert (await town["visitor"].get(f"/api/v1/assets/{scene.asset}")).json()["properties"]["counts"]["comments"] == 0


@pytest.mark.parametrize(("reason", "status"), [("ab", 422), ("abc", 200), ("x" * 1000, 200), ("x" * 1001, 422)])
async def test_hiding_a_comment_needs_a_reason_of_some_length(town: Town, reason: str, status: int) -> None:
    scene = await town.scene()
    answer = await town["officer"].post(f"/api/v1/comments/{scene.comment}/hide", json={"reason": reason})
    assert answer.status_code == status


async def test_thanks_are_given_and_taken_back_as_often_as_one_likes(town: Town) -> None:
    scene = await town.scene()
    path = f"/api/v1/assets/{scene.asset}/appreciation"
    for method, expected in (("PUT", (True, 1)), ("PUT", (True, 1)), ("DELETE", (False, 0)), ("DELETE", (False, 0))):
        answer = await town["stranger"].request(method, path)
        assert answer.status_code == 200
        assert (answer.json()["appreciated"], answer.json()["appreciations"]) == expected


# Flags ---------------------------------------------------------------------------------------------------------------


async def test_a_flag_names_what_it_is_about_and_not_who_raised_it(town: Town) -> None:
    scene = await town.scene()
    path = f"/api/v1/assets/{scene.asset}/flags"
    about_asset = await town["stranger"].post(path, json={"reason": "unsafe", "text": "There is a hole."})
    about_comment = await town["stranger"].post(path, json={"reason": "spam", "comment": str(scene.comment)})
    assert (about_asset.status_code, about_comment.status_code) == (201, 201)
    assert about_asset.json()["comment"] is None
    assert about_comment.json()["comment"] == str(scene.comment)
    listed = await town["officer"].get(path)
    assert [(item["reason"], item["comment"], item["state"]) for item in listed.json()["items"]] == [
        ("unsafe", None, "open"), ("spam", str(scene.comment), "open"),
    ]  # fmt: skip
    assert set(listed.json()["items"][0]) == {"uid", "asset", "comment", "reason", "text", "state", "created_at"}
    assert str(town.people["stranger"].uid) not in listed.text
    assert "Stranger" not in listed.text


@pytest.mark.parametrize(
    ("body", "status"),
    [({"reason": "other", "text": "x" * 2000}, 201), ({"reason": "other", "text": "x" * 2001}, 422), ({}, 422),
     ({"reason": "boring"}, 422), ({"reason": "spam", "comment": "x"}, 422), ({"reason": "spam", "who": "me"}, 422),
     ({"reason": "spam", "comment": str(uuid4())}, 404)],
)  # fmt: skip
async def test_a_flag_has_a_known_reason(town: Town, body: dict[str, Any], status: int) -> None:
    made = await town.pin()
    assert (await town["stranger"].post(f"/api/v1/assets/{made['id']}/flags", json=body)).status_code == status
