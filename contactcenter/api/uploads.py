"""Files for an answer that is being written."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel

from channels._files import safe_name, sniffed
from contactcenter.api.deps import HouseDep, Tx, Who
from contactcenter.api.tickets import PROBLEMS
from contactcenter.desk import uploads
from contactcenter.schemas import Words

router = APIRouter(prefix="/api", tags=["tickets"], responses=PROBLEMS)
LARGEST = 18_000_000


class UploadOut(BaseModel):
    id: int
    name: str
    type: str
    size: int


@router.post("/uploads", response_model=UploadOut, status_code=201, max_body_size=LARGEST)
async def upload(
    request: Request, tx: Tx, who: Who, house: HouseDep, name: Annotated[Words, Query(min_length=1, max_length=300)]
) -> Any:
    """Keep a file (the body as it is) until the answer is sent, a day at most. Its type is what its bytes say."""
    body = await request.body()
    kind = sniffed(body, request.headers.get("content-type", "").partition(";")[0].strip().lower(), name)
    kept = await uploads.keep(tx, house.kit, who.staff, safe_name(name) or "file", kind, body)
    return {"id": kept.id, "name": kept.name, "type": kept.type, "size": kept.size}


@router.delete("/uploads/{upload_id}", status_code=204)
async def take_away(tx: Tx, who: Who, upload_id: Annotated[int, Path(ge=1, le=2**53)]) -> None:
    """Take a file away before the answer is sent; repeating it is harmless."""
    await uploads.forget(tx, who.staff, upload_id)
