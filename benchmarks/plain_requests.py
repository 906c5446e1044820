"""The script that a user would write instead of the action: requests, and no handling of errors. A contestant."""

import os
from pathlib import Path

import requests

TIMEOUT = 60  # seconds


def main() -> None:
    """Mint, exchange, export."""
    hub = os.environ["HF_ENDPOINT"]
    minted = requests.get(
        os.environ["ACTIONS_ID_TOKEN_REQUEST_URL"],
        params={"audience": hub},
        headers={"Authorization": f"Bearer {os.environ['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
        timeout=TIMEOUT,
    )
    minted.raise_for_status()
    granted = requests.post(
        f"{hub}/oauth/token",
        json={
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
            "subject_token": minted.json()["value"],
            "resource": os.environ["HF_OIDC_RESOURCE"],
        },
        timeout=TIMEOUT,
    )
    granted.raise_for_status()
    token = granted.json()["access_token"]
    print(f"::add-mask::{token}")
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as output:
        output.write(f"token={token}\n")


if __name__ == "__main__":
    main()
