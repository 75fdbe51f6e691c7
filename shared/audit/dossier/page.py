"""The page of a dossier that says how to check it by hand, with tools that are on any machine."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from shared.contract.hashing import PAYLOAD_TYPE
from shared.tlog.turns import ORIGIN

PAGE: Final = "README.txt"

_TEXT: Final = """\
DOSSIER OF INCIDENT {incident}

What this is. Every event that the incident ledger has of this incident, in the exact bytes that \
were signed; for each a proof that it
is in the log; the log's signed head; and each service's signed word that these are all its \
events. Nothing of another incident is
here but hashes, which tell nothing. You need not believe whoever gave it to you: get log.vkey, \
trust and policy from somebody whom
you do believe, and compare them with those that lie here. All else can be checked.

By one command:   ledger verify THIS-FILE.zip --vkey YOUR-log.vkey --trust YOUR-trust --policy \
YOUR-policy

By hand, in a shell, in the folder where you have unpacked it. You need openssl 3, sha256sum, \
base64, xxd.

1. WHO SAID IT. Each envelope is signed with Ed25519. A .sig of 64 bytes is of this event by \
itself, over its DSSE encoding. A longer
   one is of a turn, all that the service said at once: 64 bytes of signature; two bytes each, the \
event's place and how many there are;
   and the hashes that lead from the event's hash to the root over all (RFC 9162 section 2.1.3.2). \
What is signed then are three lines
   that name that root. For one event:

    e={first}
    s=$(echo "$e" | cut -d- -f2)
    public() {{ printf '302a300506032b6570032100' | xxd -r -p; printf %s "$1" | cut -d+ -f3- | \
base64 -d | tail -c 32; }}
    hash() {{ xxd -r -p | sha256sum | cut -d' ' -f1; }}
    leaf() {{ {{ printf '\\000'; cat "$1"; }} | sha256sum | cut -d' ' -f1; }}
    fold() {{ r=$1; i=$2; n=$(($3 - 1)); shift 3; [ "$i" -le "$n" ] || return
      for p in "$@"; do
        if [ $((i % 2)) = 1 ] || [ "$i" = "$n" ]; then
          r=$(printf '01%s%s' "$p" "$r" | hash)
          while [ $((i % 2)) = 0 ] && [ "$i" != 0 ]; do i=$((i / 2)); n=$((n / 2)); done
        else r=$(printf '01%s%s' "$r" "$p" | hash); fi
        i=$((i / 2)); n=$((n / 2))
      done
      [ "$n" = 0 ] && echo "$r"; }}
    public "$(awk -v s="$s" '$1 == s {{ print $4; exit }}' trust)" > /tmp/key.der
    head -c 64 "$e.sig" > /tmp/sig
    if [ $(($(wc -c < "$e.sig"))) = 64 ]; then
      {{ printf 'DSSEv1 {length} {payload} %d ' $(($(wc -c < "$e.json"))); cat "$e.json"; }} > \
/tmp/message
    else
      at=$((0x$(xxd -s 64 -l 2 -p "$e.sig"))); of=$((0x$(xxd -s 66 -l 2 -p "$e.sig")))
      r=$(fold "$(leaf "$e.json")" "$at" "$of" $(xxd -s 68 -c 32 -p "$e.sig"))
      printf '{turn}%s\\n%d\\n%s\\n' "$r" "$of" "$(printf %s "$r" | xxd -r -p | base64)" \
> /tmp/message
    fi
    openssl pkeyutl -verify -pubin -keyform DER -inkey /tmp/key.der -rawin -in /tmp/message \
-sigfile /tmp/sig

   It answers "Signature Verified Successfully". (A service whose key was changed has more than \
one line in trust: the line counts
   whose third word is the largest that is not above the event's "sequence". Later changes lie in \
keys/: such an event, signed with the
   key before it, names in "vkey" the key of every greater number.)

2. THE LOG'S HEAD. checkpoint is a signed note (c2sp.org/signed-note): origin, size, root, an \
empty line, signatures.

    sed '/^$/,$d' checkpoint > /tmp/text
    public "$(cat log.vkey)" > /tmp/key.der
    o=$(head -n 1 checkpoint)
    awk -v o="$o" '$2 == o {{ print $3; exit }}' checkpoint | base64 -d | tail -c 64 > /tmp/sig
    openssl pkeyutl -verify -pubin -keyform DER -inkey /tmp/key.der -rawin -in /tmp/text -sigfile \
/tmp/sig

3. IT IS IN THE LOG. The hash of an event is SHA-256 of a zero byte and the envelope; from there \
the hashes of its .tlog-proof lead to
   the root (RFC 9162 section 2.1.3.2):

    i=$(sed -n 's/^index //p' "$e.tlog-proof")
    path=$(sed -n '/^index /,/^$/p' "$e.tlog-proof" | sed '1d;$d' | while read -r p; do
      printf %s "$p" | base64 -d | xxd -p -c 32; done)
    r=$(fold "$(leaf "$e.json")" "$i" "$(sed -n 2p checkpoint)" $path)
    [ "$r" = "$(sed -n 3p checkpoint | base64 -d | xxd -p -c 32)" ] && echo "it is in the log"

   Any tool that reads c2sp.org/tlog-proof does the same: give it the hash, the .tlog-proof and \
policy.

4. NOTHING IS MISSING. In each service's events, in order, "subjectprev" is the hash (as above) \
of that service's event before, and
   64 zeros in its first. So nothing is missing between them. After the last: heads/<service> is \
the service's signed word. Its fourth
   line says how many events it has said of this incident, and the base64 of the hash of the last. \
Its signature is checked as in 2.

    ls events/*-"$s"-*.json | wc -l; sed -n 4p heads/"$s"
    f=$(ls events/*-"$s"-*.json | tail -n 1); {{ printf '\\000'; cat "$f"; }} | openssl dgst \
-sha256 -binary | base64

5. THE REPORT. If one is published, the last event of review of type incident.reviewed.v1 states \
the SHA-256 of its skeleton, which has digests
   in place of texts:

    sha256sum report.skeleton.json; grep -ho '"report":{{[^}}]*}}' \
events/*-review-*.json

6. WHAT PEOPLE WROTE is not in the events: these hold digests of it, in "_sd". The texts that you \
may read lie beside, one a line: base64url
   of the JSON [salt, field, text] (RFC 9901). One that was said has the SHA-256 of its line among \
the digests of its event:

    if [ -f "$e.disclosures" ]; then while read -r d; do
      h=$(printf %s "$d" | openssl dgst -sha256 -binary | base64 | tr '+/' '-_' | tr -d '=')
      if grep -qF "$h" "$e.json"; then echo "it was said:"; else echo "NOBODY SAID:"; fi
      while [ $((${{#d}} % 4)) != 0 ]; do d="$d="; done
      printf %s "$d" | tr '_-' '/+' | base64 -d; echo
    done < "$e.disclosures"; fi

   Each other digest is that of a text which is withheld from you, or was erased: the events of \
type incident.content_erased.v1 name those.

What this does not prove: that an event was never written; that the clocks were right; that a \
person is who the token said; and, after the
time in heads/, that nothing more was said.

The parts:
{parts}
"""


def page(incident: UUID, parts: Sequence[str]) -> bytes:
    """The same parts give the same page."""
    first = next(
        (name.removesuffix(".json") for name in parts if name.startswith("events/")),
        "events/0001-intake-1",
    )
    listed = "\n".join(f"    {name}" for name in parts)
    text = _TEXT.format(
        incident=incident,
        first=first,
        length=len(PAYLOAD_TYPE),
        payload=PAYLOAD_TYPE,
        turn=ORIGIN,
        parts=listed,
    )
    return text.encode()
