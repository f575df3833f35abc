"""A sample of the load: make load brings 200 workers, and kills what serves them three times."""

from __future__ import annotations

from sqlalchemy import Update, update

from crowdserver.storage.schema import account, assignments, hits
from tests.load import ledger, scenarios
from tests.load.workers import Work
from tests.support import postgresql
from tests.support.crowds import Crowd
from tests.support.offers import offer
from tests.support.workers import Workers


def test_nothing_that_was_thanked_for_is_lost_when_the_server_is_killed() -> None:
    with Crowd(control=False) as crowd:

        def kill() -> None:
            crowd.kill()
            crowd.start()

        outcome = scenarios.Load(crowd, 20, 60, kill=kill, kills=1).run()
    assert (outcome.bad_answers, outcome.missing, outcome.broken_rules) == ([], [], [])
    assert outcome.submissions == 60


def test_a_churn_on_postgresql_has_no_error_answers(cluster: postgresql.Cluster) -> None:
    with Crowd(database=cluster.create_database(), control=False, processes=2) as crowd:
        outcome = scenarios.run_churn(crowd, 12, 250)
    assert (outcome.bad_answers, outcome.broken_rules) == ([], [])
    assert outcome.requests >= 250


def test_the_ledger_sees_what_cannot_be(crowd: Crowd) -> None:
    lot = offer(crowd.client(), 2)
    work = Work(crowd.url, 1)
    work.thanked = {Workers(crowd).do(lot.hits[0])}
    work.answers = dict.fromkeys(work.thanked, "cat")
    assert ledger.broken_rules(crowd) == []
    assert ledger.missing(crowd, work) == []

    def change(statement: Update) -> None:
        with crowd.database.write() as tx:
            tx.execute(statement)

    change(update(account).values(held=account.c.held + 1))
    assert "cents are held" in " ".join(ledger.broken_rules(crowd))
    change(update(hits).values(submitted=0, available=1))
    assert f"{lot.hits[0]} has 1 left of 1" in " ".join(ledger.broken_rules(crowd))
    change(update(assignments).values(answer="<QuestionFormAnswers/>"))
    assert "has another answer" in " ".join(ledger.missing(crowd, work))
    change(update(assignments).values(status="Returned"))
    assert "is not in the database" in " ".join(ledger.missing(crowd, work))
