"""`winnow-ledger`: decisions of all nodes in; the table on disk."""

from functools import partial

from winnow_runtime.inbox import Inbox
from winnow_runtime.ledger import LedgerWriter
from winnow_runtime.node import Node, run_as_process
from winnow_schemas.messages import Decision

IDLE_S = 0.3


def run(node: Node) -> None:
    """Collect until every producer has ended, then compact."""
    saved = node.load_checkpoint() or {}
    inboxes: dict[str, Inbox[Decision]] = {
        edge.input: node.inbox(edge.input, Decision, saved.get(edge.input, 0))
        for edge in node.wiring.inputs(node.id)
        if edge.source_node != "dora"
    }
    writer = node.insist("the ledger", lambda: LedgerWriter(node.out))
    while True:
        event = node.next(IDLE_S)
        rows = [row for inbox in inboxes.values() for row in inbox.take(look=event is None)]
        if rows:
            node.insist("rows of the ledger", partial(writer.append, rows))
            node.save_checkpoint({name: inbox.position for name, inbox in inboxes.items()})
        if event is None and all(inbox.ended(node.run_id) for inbox in inboxes.values()):
            break
        if node.must_leave(producers_live=any(inbox.producer_lives for inbox in inboxes.values())):
            break
    node.insist("the ledger's table", writer.compact)
    writer.close()
    node.finish()


def main() -> None:
    """Console script."""
    run_as_process(run)
