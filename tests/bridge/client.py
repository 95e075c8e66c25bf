"""smpplib as a client of the loopback centre: `client.py PORT`. Exits 0 once every part has its receipt."""

import sys
import time

import smpplib.client
import smpplib.consts
import smpplib.gsm

TEXT = "School is closed tomorrow {because of the snow}. " * 5

sent = []
receipts = {}


def answered(pdu, **_):
    assert pdu.status == 0, pdu.status
    sent.append(pdu.message_id.decode())


def delivered(pdu, **_):
    assert pdu.esm_class & 0x04, pdu.esm_class
    receipts[pdu.receipted_message_id.decode()] = pdu.message_state
    return 0


def main():
    client = smpplib.client.Client("127.0.0.1", int(sys.argv[1]), timeout=60, allow_unknown_opt_params=True)
    client.set_message_sent_handler(answered)
    client.set_message_received_handler(delivered)
    client.connect()
    client.bind_transceiver(system_id="smpplib", password="secret")
    parts, coding, indicator = smpplib.gsm.make_parts(TEXT)
    assert len(parts) == 2, len(parts)
    for _ in range(50):
        for part in parts:
            client.send_message(
                source_addr_ton=smpplib.consts.SMPP_TON_ALNUM,
                source_addr="School",
                dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
                dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
                destination_addr="491701234567",
                short_message=part,
                data_coding=coding,
                esm_class=indicator,
                registered_delivery=True,
            )
    until = time.monotonic() + 20
    while len(receipts) < 100 or len(sent) < 100:
        assert time.monotonic() < until, f"{len(sent)} answers, {len(receipts)} receipts"
        client.read_once()
    assert sorted(receipts) == sorted(sent), "receipts are for what was sent"
    assert len(set(sent)) == 100, "an id came twice"
    assert set(receipts.values()) == {2}, receipts
    client.unbind()
    client.disconnect()


main()
