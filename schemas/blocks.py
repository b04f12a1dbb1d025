"""The one Block that is ours; the database's, Google's and the mail server's come with Prefect's integrations."""

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

BLOCK_NAME = "codegrader"
"""The name under which each of the four Blocks is saved."""


class GraderApi(Block):
    """Where the grader's API is, and the client's name and key for it."""

    _block_type_name = "Grader API"
    _block_type_slug = "grader-api"
    _description = "Where the grader's API is, and the client's name and key for it."

    url: str = Field(description="Address of the statistics endpoint, such as https://grader.example/api/statistics")
    client: str = Field(description="The client's name: the university, as the grader knows it.")
    client_key: SecretStr = Field(description="The client's secret key.")
