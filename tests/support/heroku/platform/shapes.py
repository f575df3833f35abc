"""The JSON shapes of the Platform API's resources as they are new, and the tables that they refer to."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime
from typing import Any

Resource = dict[str, Any]

STACKS = ("heroku-22", "heroku-24", "heroku-26", "container")
DEFAULT_STACK = "heroku-24"
REGIONS = {"us": ("United States", "Virginia", "us-east-1"), "eu": ("Ireland", "Dublin", "eu-west-1")}
# name -> memory in GB, relative compute, price in cents a month; None where hours of a pool are used up
# instead
SIZES: dict[str, tuple[float, int, int | None]] = {
    "Eco": (0.5, 1, None),
    "Basic": (0.5, 1, 700),
    "Standard-1X": (0.5, 1, 2500),
    "Standard-2X": (1, 2, 5000),
    "Performance-M": (2.5, 12, 25000),
    "Performance-L": (14, 50, 50000),
}
FEATURES = {
    "http-session-affinity": "Route all requests of one client to the same dyno",
    "log-runtime-metrics": "Write the memory and load of each dyno to the logs",
}
_NAMESPACE = uuid.UUID("6f1f3a2e-6d1c-4a58-9c8d-5b1f6f0f8a11")


def new_id() -> str:
    return str(uuid.uuid4())


def fixed_id(name: str) -> str:
    """The same id for the same name in every emulator: stacks, regions and sizes are not made by anybody."""
    return str(uuid.uuid5(_NAMESPACE, name))


def reference(name: str) -> Resource:
    return {"id": fixed_id(name), "name": name}


def timestamp() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def host_suffix() -> str:
    return secrets.token_hex(6)


def account(email: str, *, verified: bool) -> Resource:
    now = timestamp()
    return {
        "allow_tracking": True,
        "beta": False,
        "country_of_residence": None,
        "created_at": now,
        "default_organization": None,
        "default_team": None,
        "delinquent_at": None,
        "email": email,
        "federated": False,
        "id": new_id(),
        "identity_provider": None,
        "last_login": now,
        "name": None,
        "sms_number": None,
        "suspended_at": None,
        "two_factor_authentication": False,
        "updated_at": now,
        "verified": verified,
    }


def team(name: str) -> Resource:
    now = timestamp()
    return {
        "created_at": now,
        "credit_card_collections": True,
        "default": False,
        "enterprise_account": None,
        "id": new_id(),
        "identity_provider": None,
        "membership_limit": 25,
        "name": name,
        "provisioned_licenses": False,
        "role": "member",
        "type": "team",
        "updated_at": now,
    }


def app(name: str, owner: Resource, *, region: str, stack: str, of_team: Resource | None) -> Resource:
    now = timestamp()
    belongs = {"id": of_team["id"], "name": of_team["name"]} if of_team else None
    return {
        "acm": False,
        "archived_at": None,
        "build_stack": reference(stack),
        "buildpack_provided_description": None,
        "created_at": now,
        "generation": reference("cedar"),
        "git_url": f"https://git.heroku.com/{name}.git",
        "id": new_id(),
        "internal_routing": None,
        "maintenance": False,
        "name": name,
        "organization": belongs,
        "owner": owner,
        "region": reference(region),
        "released_at": now,
        "repo_size": None,
        "slug_size": None,
        "space": None,
        "stack": reference(stack),
        "team": belongs,
        "updated_at": now,
        "web_url": None,
    }


def team_app(resource: Resource, *, joined: bool) -> Resource:
    """The shape that the team endpoints answer with: without the newer fields, with the team's own."""
    kept = {key: value for key, value in resource.items() if key not in ("acm", "generation", "organization")}
    return {**kept, "team": {"name": resource["team"]["name"]}, "joined": joined, "locked": False}


def user(of_account: Resource) -> Resource:
    return {"email": of_account["email"], "id": of_account["id"]}


def app_reference(resource: Resource) -> Resource:
    return {"id": resource["id"], "name": resource["name"]}


def release(version: int, description: str, by: Resource, slug_id: str | None) -> Resource:
    now = timestamp()
    return {
        "addon_plan_names": [],
        "artifacts": [{"type": "slug", "id": slug_id}] if slug_id else [],
        "created_at": now,
        "current": True,
        "description": description,
        "eligible_for_rollback": slug_id is not None,
        "id": new_id(),
        "output_stream_url": None,
        "slug": {"id": slug_id} if slug_id else None,
        "status": "succeeded",
        "updated_at": now,
        "user": user(by),
        "version": version,
    }


def build(
    of_app: Resource, source: Resource, buildpacks: list[Resource], by: Resource, base_url: str
) -> Resource:
    now, build_id = timestamp(), new_id()
    blob = {key: source.get(key) for key in ("checksum", "url", "version", "version_description")}
    return {
        "app": {"id": of_app["id"]},
        "buildpacks": buildpacks or None,
        "created_at": now,
        "generation": "cedar",
        "id": build_id,
        "output_stream_url": f"{base_url}/streams/{build_id}",
        "release": None,
        "slug": None,
        "source_blob": blob,
        "stack": of_app["stack"]["name"],
        "status": "pending",
        "updated_at": now,
        "user": user(by),
    }


def formation(of_app: Resource, process_type: str, command: str, quantity: int, size: str) -> Resource:
    now = timestamp()
    return {
        "app": app_reference(of_app),
        "command": command,
        "created_at": now,
        "dyno_size": reference(size),
        "id": new_id(),
        "quantity": quantity,
        "size": size,
        "type": process_type,
        "updated_at": now,
    }


def addon(of_app: Resource, plan: str, name: str) -> Resource:
    now, service = timestamp(), plan.partition(":")[0]
    return {
        "actions": [],
        "addon_service": reference(service),
        "app": app_reference(of_app),
        "billed_price": None,
        "billing_entity": {**app_reference(of_app), "type": "app"},
        "config_vars": ["DATABASE_URL"],
        "created_at": now,
        "id": new_id(),
        "name": name,
        "plan": reference(plan),
        "provider_id": name,
        "provision_message": "Database should be available soon",
        "state": "provisioning",
        "updated_at": now,
        "web_url": None,
    }


def feature(name: str) -> Resource:
    now = timestamp()
    return {
        "created_at": now,
        "description": FEATURES[name],
        "display_name": name,
        "doc_url": f"https://devcenter.heroku.com/articles/{name}",
        "enabled": False,
        "feedback_email": "feedback@heroku.com",
        "id": fixed_id(name),
        "name": name,
        "state": "general",
        "updated_at": now,
    }


def domain(of_app: Resource, hostname: str) -> Resource:
    return {
        "acm_status": None,
        "acm_status_reason": None,
        "app": app_reference(of_app),
        "cname": None,
        "created_at": of_app["created_at"],
        "hostname": hostname,
        "id": fixed_id(hostname),
        "kind": "heroku",
        "sni_endpoint": None,
        "status": "none",
        "updated_at": of_app["created_at"],
    }


def collaborator(of_app: Resource, who: Resource, role: str) -> Resource:
    now = timestamp()
    return {
        "app": app_reference(of_app),
        "created_at": now,
        "id": new_id(),
        "permissions": [],
        "role": role,
        "updated_at": now,
        "user": {**user(who), "federated": False},
    }


def dyno_size(name: str) -> Resource:
    memory, compute, cents = SIZES[name]
    return {
        "architecture": "amd64",
        "compute": compute,
        "cost": {"cents": cents, "unit": "month"} if cents else None,
        "dedicated": name.startswith("Performance"),
        "generation": reference("cedar"),
        "id": fixed_id(name),
        "memory": memory,
        "name": name,
        "precise_dyno_units": float(compute),
        "private_space_only": False,
    }


def region(name: str) -> Resource:
    country, locale, provider = REGIONS[name]
    return {
        **reference(name),
        "country": country,
        "created_at": timestamp(),
        "description": country,
        "locale": locale,
        "private_capable": False,
        "provider": {"name": "amazon-web-services", "region": provider},
        "updated_at": timestamp(),
    }


def stack(name: str) -> Resource:
    return {
        **reference(name),
        "created_at": timestamp(),
        "default": name == DEFAULT_STACK,
        "state": "public",
        "updated_at": timestamp(),
    }
