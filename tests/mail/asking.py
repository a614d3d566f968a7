"""Runs a flow of questions with answers that a test writes down; what is not written does not exist."""

from collections.abc import Mapping
from typing import TypeVar

from mailservices.mail.questions import Answer, Flow, Missing, Question

Result = TypeVar("Result")


def run(flow: Flow[Result], answers: Mapping[Question, Answer]) -> tuple[Result, list[Question]]:
    """What it returns, and what it asked."""
    asked: list[Question] = []
    try:
        question = next(flow)
        while True:
            asked.append(question)
            question = flow.send(answers.get(question, Missing()))
    except StopIteration as done:
        return done.value, asked
