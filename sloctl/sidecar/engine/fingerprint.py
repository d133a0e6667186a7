"""What an SLO counts, as a short text: histories with the same one may go on from each other."""

from hashlib import blake2b

import msgspec

from sloctl.model import Slo
from sloctl.slo.lowering import lower_indicator


def slo_fingerprint(slo: Slo) -> str:
    """The same as long as the same events of the same SLO are counted into the same groups.

    An objective, an alert, a description or a label changes nothing here; an indicator or groupBy does. So
    does a change of the model's own shape between two releases: then histories start anew.
    """
    pair = lower_indicator(slo.indicator)
    counted = msgspec.json.encode((slo.id, type(pair).__name__, pair, slo.group_by), enc_hook=str)
    return blake2b(counted, digest_size=16).hexdigest()
