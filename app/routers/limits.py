"""GET /api/v1/limits: every limit that a caller can meet, read from where it is enforced."""

from fastapi import APIRouter
from pydantic import BaseModel

from app import auth, files, wire
from app.actions import orders
from app.kinds.document import AssetProperties
from app.routers import accounts, assets, catalogue, deps, discussion, needs, proposals, report_files
from app.routers.deps import Serving, act

router = APIRouter(prefix="/api/v1", tags=["catalogue"])


def most(model: type[BaseModel], field: str) -> int:
    """The most that a field takes: characters of a text, items of a list, or the highest number."""
    schema = model.model_json_schema()["properties"][field]
    for part in (schema, *schema.get("anyOf", ())):
        for word in ("maxLength", "maxItems", "maximum"):
            if word in part:
                return int(part[word])
    raise LookupError(f"{model.__name__}.{field} has no limit")


#: What is the same in every installation; characters count Unicode characters.
FIXED: dict[str, int | float] = {
    "page_of_assets": assets.MAX_PAGE,
    "page_of_others": deps.MAX_PAGE,
    "areas_drawn": catalogue.MAX_DRAWN,
    "report_assets_at_once": report_files.MOST_AT_ONCE,
    "body_bytes": deps.MAX_BODY,
    "import_bytes": deps.MAX_IMPORT,
    "idempotency_key_characters": deps.MAX_KEY,
    "idempotency_hours": 24,
    "list_values": assets.MAX_VALUES,
    "words_characters": assets.MAX_WORDS,
    "cursor_characters": deps.MAX_CURSOR,
    "radius_m": assets.MAX_RADIUS_M,
    "positions_in_a_geometry": wire.MAX_POSITIONS,
    "latitude": wire.MAX_LATITUDE,
    **{
        f"{name}_characters": most(AssetProperties, name)
        for name in ("title", "summary", "body", "organiser", "website", "licence", "attribution", "consent")
    },
    "comment_characters": most(discussion.CommentIn, "text"),
    "update_characters": most(discussion.UpdateIn, "text"),
    "flag_characters": most(discussion.FlagIn, "text"),
    "need_title_characters": most(needs.NeedIn, "title"),
    "need_text_characters": most(needs.NeedIn, "text"),
    "quantity": most(needs.NeedIn, "quantity"),
    "proposal_title_characters": most(proposals.ProposalIn, "title"),
    "proposal_text_characters": most(proposals.ProposalIn, "text"),
    "places": most(proposals.ProposalIn, "places"),
    "message_characters": most(proposals.PledgeIn, "message"),
    "hours": proposals.MAX_HOURS,
    "reason_characters": most(wire.Reason, "reason"),
    "name_characters": most(accounts.MePatch, "name"),
    "about_characters": most(accounts.MePatch, "about"),
    "key_name_characters": most(accounts.KeyIn, "name"),
    "email_characters": most(accounts.SignIn, "email"),
    "sign_in_minutes": auth.SIGN_IN_MINUTES,
    "sign_in_tries": 5,
    "session_days": auth.SESSION_DAYS,
    "session_idle_days": auth.SESSION_IDLE_DAYS,
    "jobs_waiting": orders.MOST_WAITING,
    "job_hours": int(orders.KEPT.total_seconds() // 3600),
    "file_bytes": files.MOST_OF_ONE,
    "files_bytes": files.MOST_OF_ALL,
}


@router.get("/limits", **act("service.read"))
async def read_limits(serving: Serving) -> dict[str, int | float]:
    """Every limit that a caller can meet. `reads_per_minute` 0 means any number; the fields of a kind's details have
    theirs in GET /api/v1/kinds.
    """
    own = serving.settings
    return FIXED | {
        "reads_per_minute": own.reads_per_minute,
        "writes_per_hour": own.writes_per_hour,
        "key_writes_per_hour": own.key_writes_per_hour,
        "sign_ins_per_hour": own.sign_ins_per_hour,
        "sign_ins_per_network_address_per_hour": own.sign_ins_per_hour * accounts.SIGN_INS_OF_A_NETWORK,
    }
