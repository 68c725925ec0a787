# SPDX-License-Identifier: Apache-2.0
"""Every include follows lib/LAYERS: a room uses only the rooms it is granted,
and foreign headers only where they are granted.  Run by layers.sh."""
import pathlib
import re
import sys

STANDARD = re.compile(r"^(sys/|netinet/|arpa/|linux/(?!kvm)|asm/)?[a-z0-9_]+\.h$")
GUARDED = ("openssl/", "event2/", "jansson.h", "libxml/", "linux/kvm.h", "yaml.h", "sqlite3.h",
           "protobuf-c/", "seccomp.h", "libpq-fe.h")


def read_layers(path):
    rooms = {}
    for line in path.read_text().splitlines():
        if line.startswith("#") or ":" not in line:
            continue
        name, rest = line.split(":", 1)
        uses, _, foreign = rest.partition("|")
        rooms[name] = (uses.split(), foreign.split())
    return rooms


def check_file(path, room, rooms, own_prefix):
    uses, foreign = rooms[room]
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+["<]([^">]+)[">]', line)
        if match is None:
            continue
        name = match.group(1)
        top = name.split("/")[0]
        if any(name.startswith(own) for own in own_prefix):
            continue
        if top in rooms and "/" in name:
            if top != room and top not in uses:
                yield f"{path}:{number}: room {room} may not use {name}"
        elif name.endswith(".pb-c.h"):
            if ".pb-c.h" not in foreign:
                yield f"{path}:{number}: room {room} may not include {name}"
        elif name.startswith(GUARDED):
            if not any(name.startswith(grant) for grant in foreign):
                yield f"{path}:{number}: room {room} may not include {name}"
        elif not STANDARD.match(name):
            yield f"{path}:{number}: {name} is in no room"


def main():
    root = pathlib.Path(sys.argv[1])
    rooms = read_layers(root / "lib/LAYERS")
    seen, wrong = set(), []
    for name, (uses, _) in rooms.items():
        wrong += [f"lib/LAYERS: {name} uses {u}, which stands below it" for u in uses if u not in seen]
        seen.add(name)
    places = [(root / "lib" / name, name, ()) for name in rooms]
    places += [(root / "agent", "agent", ("agent/",)), (root / "negotiator", "negotiator", ("negotiator/",))]
    count = 0
    for folder, room, own in places:
        for path in sorted(folder.rglob("*.[ch]")) if folder.is_dir() else []:
            count += 1
            wrong += check_file(path, room, rooms, own)
    for folder in (root / "lib").iterdir():
        if folder.is_dir() and folder.name not in rooms:
            wrong.append(f"{folder}: a room that lib/LAYERS does not know")
    print("\n".join(wrong) if wrong else f"{count} files follow lib/LAYERS")
    return 1 if wrong or count == 0 else 0


sys.exit(main())
