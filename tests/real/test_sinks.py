"""The mail server and the webhook receiver, driven by real clients over real sockets."""

import http.client
import smtplib
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from email.message import EmailMessage

import pytest
import requests

from tests.real.smtp_sink import SmtpSink
from tests.real.webhook_sink import WebhookSink


def _mail(subject: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "no-reply@example.org", "student01@example.org", subject
    mail.set_content("état: FINISHED\n")
    return mail


def test_mail_is_kept_with_its_envelope_and_its_text(smtp_sink: SmtpSink) -> None:
    with smtplib.SMTP(smtp_sink.host, smtp_sink.port) as client:
        client.send_message(_mail("Job fini: « ok »"))
    (mail,) = smtp_sink.wait_for(1)
    assert mail.sender == "no-reply@example.org"
    assert mail.recipients == ("student01@example.org",)
    assert mail.message["Subject"] == "Job fini: « ok »"
    assert mail.text == "état: FINISHED\n"


def test_mails_are_refused_in_turn_and_then_taken(smtp_sink: SmtpSink) -> None:
    smtp_sink.refuse("451 try again", "550 never")
    with smtplib.SMTP(smtp_sink.host, smtp_sink.port) as client:
        for code in (451, 550):
            with pytest.raises(smtplib.SMTPDataError) as refusal:
                client.send_message(_mail("refused"))
            assert refusal.value.smtp_code == code
        client.send_message(_mail("taken"))
    assert [mail.message["Subject"] for mail in smtp_sink.wait_for(1)] == ["taken"]


def test_a_closed_mail_server_refuses_connections_and_drops_open_ones() -> None:
    sink = SmtpSink()
    with smtplib.SMTP(sink.host, sink.port) as client:
        client.ehlo()
        sink.close()
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.sendmail("a@example.org", ["b@example.org"], "late")
    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP(sink.host, sink.port)


def test_requests_are_kept_in_order_with_method_path_headers_and_body(webhook_sink: WebhookSink) -> None:
    with requests.Session() as session:
        session.post(
            f"{webhook_sink.url}/hook?job=a%20b&status=RUNNING", json={"status": "RUNNING"}, timeout=30
        )
        session.get(f"{webhook_sink.url}/second", headers={"X-Webhook-Test": "1"}, timeout=30)
    first, second = webhook_sink.wait_for(2)
    assert (first.method, first.path) == ("POST", "/hook?job=a%20b&status=RUNNING")
    assert first.headers["content-type"] == "application/json"
    assert first.json == {"status": "RUNNING"}
    assert (second.method, second.path, second.headers["x-webhook-test"]) == ("GET", "/second", "1")


def test_statuses_are_answered_in_turn_and_then_200(webhook_sink: WebhookSink) -> None:
    webhook_sink.answer(500, 404)
    answers = [requests.post(webhook_sink.url, json={}, timeout=30).status_code for _ in range(3)]
    assert answers == [500, 404, 200]


def test_a_held_answer_comes_only_when_it_is_let_go(webhook_sink: WebhookSink) -> None:
    with ThreadPoolExecutor(1) as pool:
        with webhook_sink.held():
            answer = pool.submit(requests.post, webhook_sink.url, json={"n": 1}, timeout=30)
            assert webhook_sink.wait_for(1)[0].json == {"n": 1}
            assert not answer.done()
        assert answer.result(timeout=30).status_code == 200


def test_a_closed_receiver_answers_nobody_not_even_on_an_open_connection() -> None:
    sink = WebhookSink()
    with closing(http.client.HTTPConnection(sink.host, sink.port, timeout=30)) as client:
        client.request("POST", "/", b"{}")
        assert client.getresponse().read() == b""
        sink.close()
        with pytest.raises(ConnectionError):
            client.request("POST", "/", b"{}")
            client.getresponse()
        client.close()
        with pytest.raises(ConnectionRefusedError):
            client.connect()


def test_a_wait_in_vain_says_what_did_come(webhook_sink: WebhookSink) -> None:
    requests.post(f"{webhook_sink.url}/only", timeout=30)
    with pytest.raises(AssertionError, match=r"expected 2 within 0\.1 s, received 1:\n.*/only"):
        webhook_sink.wait_for(2, timeout=0.1)
