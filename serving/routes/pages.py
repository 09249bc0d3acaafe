"""Pages for those who run the shop.

A page itself is public and holds nothing: it asks for the secret key, and then for the figures.
"""

from fastapi import APIRouter, Response

from serving.page_files import FILES_PATH, page_file

router = APIRouter(include_in_schema=False)


@router.get("/dashboard")
async def dashboard_page() -> Response:
    """Answer with the page that says how the shop is doing."""
    return page_file("dashboard.html")


@router.get("/experiments/{name}")
async def experiment_page(name: str) -> Response:
    """Answer with the page that draws an experiment; it reads the name from its own address."""
    return page_file("experiment.html")


@router.get("/triggers")
async def triggers_page() -> Response:
    """Answer with the page that shows what fires, and how receivers stand."""
    return page_file("triggers.html")


@router.get(f"{FILES_PATH}/{{name}}")
async def file_of_page(name: str) -> Response:
    """Answer with a file of a page."""
    return page_file(name)
