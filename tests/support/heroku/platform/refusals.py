"""The error answers of the Platform API: an HTTP status, an id for programs and a message for people."""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """An error answer; extra holds further fields of its JSON body."""

    def __init__(self, status: int, kind: str, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body: dict[str, Any] = {**extra, "id": kind, "message": message}


def invalid(message: str) -> Refusal:
    return Refusal(422, "invalid_params", message)


def not_found(resource: str, noun: str) -> Refusal:
    return Refusal(404, "not_found", f"Couldn't find that {noun}.", resource=resource)


def no_process_type(process_type: str) -> Refusal:
    return Refusal(
        404, "not_found", f"Couldn't find that process type ({process_type}).", resource="formation"
    )


def unknown_endpoint() -> Refusal:
    return Refusal(
        404,
        "not_found",
        "The requested API endpoint was not found. Are you using the right HTTP verb"
        " (i.e. `GET` vs. `POST`), and did you specify your intended version with the"
        " `Accept` header?",
    )


def unauthorized() -> Refusal:
    return Refusal(401, "unauthorized", "Invalid credentials provided.")


def forbidden(app_name: str) -> Refusal:
    return Refusal(403, "forbidden", f"You do not have access to the app {app_name}.")


def not_acceptable() -> Refusal:
    return Refusal(
        406, "not_acceptable", "The `Accept` header must ask for `application/vnd.heroku+json; version=3`."
    )


def rate_limited() -> Refusal:
    return Refusal(
        429,
        "rate_limit",
        "Your account reached the API rate limit\nPlease wait a few minutes before making new requests",
        url="https://devcenter.heroku.com/articles/platform-api-reference#rate-limits",
    )


def bad_range() -> Refusal:
    return Refusal(416, "requested_range_not_satisfiable", "The requested `Range` cannot be satisfied.")


def name_taken(name: str) -> Refusal:
    return invalid(f"Name {name} is already taken")


def app_limit(limit: int) -> Refusal:
    return invalid(
        f"You've reached your app limit of {limit} apps. Delete some apps or open a ticket at"
        " https://help.heroku.com/new/increase-limits to have this limit increased."
    )


def verification_required() -> Refusal:
    return Refusal(
        422,
        "verification_required",
        "To create an app, verify your account by adding payment information."
        " Verify now at https://heroku.com/verify Learn more at"
        " https://devcenter.heroku.com/articles/account-verification",
        url="https://devcenter.heroku.com/articles/account-verification",
    )


def delinquent() -> Refusal:
    return Refusal(402, "delinquent", "This account has an unpaid balance: pay it to go on.")
