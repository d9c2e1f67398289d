"""Input transformers give what EventBridge documents."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stacks.alerting.alerts import template
from tools.sandbox.transformer import transformed

# EventBridge user guide, "Input transformation": the event and the table of examples.
EVENT = {
    "id": "7bf73129",
    "source": "aws.ec2",
    "time": "2015-11-11T21:29:54Z",
    "detail": {"instance-id": "i-0123456789", "state": "RUNNING", "tags": ["a", 9]},
}
PATHS = {
    "timestamp": "$.time",
    "instance": "$.detail.instance-id",
    "state": "$.detail.state",
    "tags": "$.detail.tags",
    "nothing": "$.detail.nothing",
}


def given_by(text: str, event: Any = EVENT) -> str:
    target = {"InputTransformer": {"InputPathsMap": PATHS, "InputTemplate": text}}
    return transformed(target, event)


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ('"instance <instance> is in <state>"', '"instance i-0123456789 is in RUNNING"'),
        (
            '{"instance" : <instance>, "state": <state>}',
            '{"instance":"i-0123456789","state":"RUNNING"}',
        ),
        (
            '{"instance": <instance>, "text": "instance \\"<instance>\\" is in <state>"}',
            '{"instance":"i-0123456789","text":"instance \\"i-0123456789\\" is in RUNNING"}',
        ),
        ('{"state": [ 9, <state>, true ]}', '{"state":[9,"RUNNING",true]}'),
        ('{"tags": <tags>}', '{"tags":["a",9]}'),
        ('"state <nothing>."', '"state ."'),
        ('"a <word> that is no variable"', '"a <word> that is no variable"'),
    ],
)
def test_documented_templates_give_the_documented_output(text: str, result: str) -> None:
    assert given_by(text) == result


def test_target_without_a_transformer_gets_the_event() -> None:
    assert json.loads(transformed({}, EVENT)) == EVENT


@pytest.mark.parametrize(
    ("text", "state"),
    [('"in <state>"', 'say "hello"'), ('"in <state>"', "a\\d"), ('{"a": <nothing>}', "x")],
)
def test_template_that_gives_no_json_is_not_delivered(text: str, state: str) -> None:
    event = {"detail": {"state": state}}
    with pytest.raises(ValueError, match="gives no JSON"):
        given_by(text, event)


@given(st.text())
def test_message_of_ours_holds_whatever_a_producer_or_a_program_writes(text: str) -> None:
    target = {
        "InputTransformer": {
            "InputPathsMap": {"job": "$.detail.job", "message": "$.detail.message"},
            "InputTemplate": template({"alert": "Job <job> failed.", "error": "<message>"}),
        }
    }
    event = {"detail": {"job": "burst-dev-orders", "message": text}}
    assert json.loads(transformed(target, event)) == {
        "alert": "Job burst-dev-orders failed.",
        "error": text,
    }
