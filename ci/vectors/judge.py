#!/usr/bin/env python3
"""A second judge, written from docs/verdict.md alone: the numbers in the comments are that page's chapters.

judge.py FILE         prints the verdict of a journal as JSON
judge.py --check DIR  judges every NAME.ndjson of DIR and compares with NAME.verdict.json; exit status 1 on any disagreement
"""
import copy
import datetime
import glob
import hashlib
import json
import os
import re
import sys
import unicodedata
from types import SimpleNamespace as Bag

SECOND = 10**9
CYCLE = 146097  # the days of 400 years
LAYERS = ("system", "service", "data", "business")
INF = float("inf")


class Refused(Exception):
    """The journal is not judged: where says why, as the verdict shows it."""

    def __init__(self, **where):
        super().__init__(where)
        self.where = where


class Shape(Exception):
    """A value that is not of the type that the page names."""


# ---- 1 values

def exact(t):
    return (t, t)


def ordered(m):
    return (min(m), max(m))


def between(a, b):
    return (max(0, b[0] - a[1]), max(0, b[1] - a[0]))


def sec(d):
    return d // SECOND + (d % SECOND) / 1e9


def fraction(n, unit):
    rest = str(n % unit).rjust(len(str(unit)) - 1, "0").rstrip("0") if unit > 1 else ""
    return str(n // unit) + ("." + rest if rest else "")


def dur(d):
    if d < 0:
        return "-" + dur(-d)
    if d == 0:
        return "0s"
    if d < SECOND:
        unit, name = next(u for u in ((10**6, "ms"), (10**3, "µs"), (1, "ns")) if d >= u[0])
        return fraction(d, unit) + name
    minutes, rest = divmod(d, 60 * SECOND)
    hours, minutes = divmod(minutes, 60)
    text = fraction(rest, SECOND) + "s"
    if hours or minutes:
        text = f"{minutes}m{text}"
    return f"{hours}h{text}" if hours else text


WALL = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)")


def since_epoch(year, month, day, hour, minute, second, nanos=0):
    """Nanoseconds since 1970 in UTC; the calendar goes on before the year 1, where datetime ends, so by cycles of 400 years."""
    try:
        d = datetime.datetime(year % 400 + 400, month, day, hour, minute, second) - datetime.datetime(770, 1, 1)
    except ValueError:
        raise Shape("no such time") from None
    return ((d.days + (year // 400 - 4) * CYCLE) * 86400 + d.seconds) * SECOND + nanos


def in_utc(t):
    cycles, seconds = divmod(t // SECOND, CYCLE * 86400)
    d = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    return f"{d.year + 400 * cycles:04d}-{d:%m-%dT%H:%M:%S}Z"


ZERO_WALL = since_epoch(1, 1, 1, 0, 0, 0)


def wall(v):
    """Nanoseconds since 1970, or None where the time is not known."""
    if not isinstance(v, str):
        raise Shape("a wall time is a text")
    m = WALL.fullmatch(v)
    if not m:
        raise Shape("no wall time")
    t = since_epoch(*(int(x) for x in m.groups()[:6]), int((m[7] or "").ljust(9, "0")))
    if m[8] != "Z":
        hours, minutes = int(m[8][1:3]), int(m[8][4:])
        if hours > 24 or minutes > 59:
            raise Shape("no such zone")
        t -= (1 if m[8][0] == "+" else -1) * (hours * 3600 + minutes * 60) * SECOND
    return None if t == ZERO_WALL else t


# ---- the shapes of chapter 3: NAME is a text (an integer where it ends in _ns), NAME:x one of the types below,
# NAME{…} an object, NAME?{…} an object whose absence counts, NAME[…] a list of objects, NAME<…> objects by name.

def of_type(kind, what):
    def read(v):
        if not isinstance(v, kind) or (isinstance(v, bool) and kind is not bool):
            raise Shape("not " + what)
        return v
    return read


def integer(v):
    if not -2**63 <= of_type(int, "an integer")(v) < 2**63:
        raise Shape("no 64-bit integer")
    return v


def texts(v):
    return ["" if x is None else of_type(str, "a text")(x) for x in of_type(list, "a list")(v)]


def texts_by_name(v):
    return {k: "" if x is None else of_type(str, "a text")(x) for k, x in of_type(dict, "an object")(v).items()}


def moment(v):
    fields = read_shape(MOMENT, v)
    return (fields.early_ns, fields.late_ns)


TYPES = {
    "s": (of_type(str, "a text"), lambda: ""), "i": (integer, lambda: 0), "b": (of_type(bool, "true or false"), lambda: False),
    "n": (of_type((int, float), "a number"), lambda: 0), "w": (wall, lambda: None), "t": (texts, list), "a": (texts_by_name, dict),
    "m": (moment, lambda: (0, 0)), "l": (lambda v: [0 if x is None else integer(x) for x in of_type(list, "a list")(v)], list),
}


def parse_shape(text):
    tokens = re.findall(r"[a-z0-9_]+(?::\w)?|[?{}\[\]]", text)

    def fields(at):
        shape = {}
        while at < len(tokens) and tokens[at] not in "}]":
            name, _, kind = tokens[at].partition(":")
            at += 1
            opener = tokens[at] if at < len(tokens) else ""
            if opener in ("?", "{", "["):
                at += 2 if opener == "?" else 1
                inner, at = fields(at)
                at += 1
                shape[name] = (opener, inner)
            else:
                shape[name] = (kind or ("i" if name.endswith("_ns") else "s"), None)
        return shape, at
    return fields(0)[0]


def read_shape(shape, v):
    of_type(dict, "an object")(v)
    out = Bag()
    for name, (kind, inner) in shape.items():
        x = v.get(name)
        if kind == "[":
            x = [read_shape(inner, {} if y is None else y) for y in of_type(list, "a list")([] if x is None else x)]
        elif kind == "{":
            x = read_shape(inner, {} if x is None else x)
        elif kind == "?":
            x = None if x is None else read_shape(inner, x)
        else:
            x = TYPES[kind][1]() if x is None else TYPES[kind][0](x)
        setattr(out, name, x)
    return out


MOMENT = parse_shape("early_ns late_ns")
LINE = parse_shape("seq:i elapsed_ns wall:w boot_ns actor kind subject{instance generation:i incident:i} prev")
OVERDUE = "limit_ns from_ns to_ns"
RED = "red?{from_ns to_ns bad:i late:i answer_ns failed[name count:i] last}"
SHAPES = {k: parse_shape(v) for k, v in {
    "drill.opened": """version:i trigger objectives[name limit_ns] stable_for_ns pulse_rate:n pulse_timeout_ns latency_limit_ns
        flow flow_after_upgrade instances[name backup with:t basis]
        backup_limits[backup min_size_bytes:i shrink_percent:n sizes_before:l keep:i oldest_ns] max_skew_ns up_to
        incidents[id:i faults:t rule within_ns] checks[name layer] excluded:a started:w clock_state reference:w""",
    "phase": "phase outcome error",
    "step": "phase what kind outcome error started_ns ended_ns",
    "restore.point": """backup point digest promise?{algorithm value verified_by} expected_digest doubt consistent_to:w
        consistent_source age_ns explained:b made made_at:w timezone loaded:b size_bytes:i lies:i oldest:w listed:w""",
    "restore.done": """backup point digest bytes:i started_ns ended_ns during backup_bad image_lacks unread overdue?{%s}
        verifying_ns part?{only left} lack?{kind what} kind?{name said why command} misfit?{what has wants}
        missing?{store name why more:i newest limit_ns}""" % OVERDUE,
    "isolation.probe": "target address protocol reached:b control:b",
    "isolation.egress": "protocol target host count:i expected:b",
    "reach": "flows:t links[flow from check:b to last_ns] unmeasured",
    "pulse": """state at:m why seen:b totals{good:i bad:i unproven:i dropped:i silence_ns} late[from_ns to_ns by_ns] %s
        pace?{rate:n every_ns timeout_ns request_timeout_ns blind_after_ns} unasked:t""" % RED,
    "upgrade": "state",
    "fault": "kind on index:i state at:m note after:i expected:b",
    "incident.opened": "trigger at:m",
    "incident.detected": "rule at:m",
    "incident.decided": "outcome by at:m",
    "incident.rollback": "state error overdue?{%s}" % OVERDUE,
    "instance.booted": "started_ns ready_ns basis unseen:b",
    "instance.failed": "during backup point image why lines:t met:t sought:t not_asked",
    "business.waited": OVERDUE,
    "host.load": "from_ns to_ns cpu_ns memory_ns io_ns ours:n late_ns trip_ns",
    "check": "name layer when status message backup incident:i started_ns ended_ns recorded:b overdue?{%s}" % OVERDUE,
    "harness.error": "phase error",
    "observation": "id args:a",
    "drill.aborted": "why",
    "cleanup": "what name entry:i state error fix left:t count:i",
    "drill.sealed": "status",
    "torn": "bytes:i digest",
    "isolation.network": "", "instance.diagnosis": "", "restore.read": "", "note": "text", "raw": "",
}.items()}


# ---- 2 the journal

def no_constant(_):
    raise ValueError("NaN and Infinity are not JSON")


def well_formed(v):
    """Texts without halves of surrogate pairs, which no UTF-8 can hold."""
    if isinstance(v, str):
        return v.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(v, list):
        return [well_formed(x) for x in v]
    if isinstance(v, dict):
        return {well_formed(k): well_formed(x) for k, x in v.items()}
    return v


def parse(line):
    """The JSON value of a line; ValueError where it is not valid JSON."""
    return well_formed(json.loads(line.decode("utf-8", "replace"), parse_constant=no_constant))


def event_of(line):
    """The event of a line; ValueError or Shape where it is none."""
    value = parse(line)
    event = read_shape(LINE, value)
    event.data = value.get("data")
    return event


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def closes(torn, line):
    try:
        event = event_of(line)
        data = read_shape(SHAPES["torn"], event.data)
    except (ValueError, Shape):
        return False
    return event.kind == "torn" and data.bytes == len(torn) and data.digest == sha256(torn)


def read_events(raw):
    lines = raw.split(b"\n")
    lines.pop()  # empty, or torn: no line feed ends it
    events, seq, elapsed, digest = [], 0, 0, ""
    for i, line in enumerate(lines):
        if i + 1 < len(lines) and closes(line, lines[i + 1]):
            continue
        try:
            event = event_of(line)
        except ValueError:
            if i + 1 == len(lines):
                break
            raise Refused(line=i + 1) from None
        except Shape:
            raise Refused(line=i + 1) from None
        if (event.seq != seq + 1 or event.prev != digest or event.elapsed_ns < elapsed
                or (event.seq == 1 and event.kind != "drill.opened")):
            raise Refused(line=i + 1)
        seq, elapsed, digest = event.seq, event.elapsed_ns, sha256(line + b"\n")
        events.append(event)
    if not events:
        raise Refused()
    return events


# ---- 3 events and 4 the record

def same(a, b, *names):
    return all(getattr(a, n) == getattr(b, n) for n in names)


class Record:
    """What the events say, entered one after the other; finish computes what only the whole journal tells."""

    def __init__(self, events):
        self.events = events
        self.header = self.seal = self.abort = self.reach = self.pulse = self.window = None
        self.phases, self.windows, self.points, self.incidents, self.jumps = [], [], [], {}, []
        self.last_incident = self.torn = 0
        self.left, self.kept, self.proved, self.unproved = [], [], False, ""
        self.lists = {k: [] for k in ("step", "restore.done", "isolation.probe", "isolation.egress", "instance.booted",
                                      "instance.failed", "business.waited", "host.load", "check", "harness.error", "observation")}
        for event in events:
            self.enter(event)
        (self.steps, self.restores, self.probes, self.egress, self.boots, self.boots_failed, self.waited, self.loads, self.checks,
         self.harness, self.observations) = self.lists.values()
        self.finish()

    def enter(self, event):
        if event.kind == "drill.opened" and self.header:
            raise Refused(event=event.seq)
        if self.seal:
            if event.actor != "reaper":
                raise Refused(event=event.seq)
            if event.kind not in ("cleanup", "torn") and not (event.kind == "fault" and event.subject.incident in self.incidents):
                return
        if event.kind not in SHAPES:
            return
        try:
            data = read_shape(SHAPES[event.kind], event.data)
        except Shape:
            raise Refused(event=event.seq) from None
        if event.kind == "drill.opened" and data.version != 1:
            raise Refused(event=event.seq)
        data.elapsed, data.actor, data.subject = event.elapsed_ns, event.actor, event.subject
        if event.kind == "check":
            data.incident = next((n for n in (data.incident, event.subject.incident) if n > 0), self.last_incident)
        if event.kind in self.lists:
            self.lists[event.kind].append(data)
            return
        enter = getattr(self, "enter_" + event.kind.replace("drill.", "").replace(".", "_"), None)
        if enter:
            enter(data)

    def enter_opened(self, d):
        self.header = d
        self.stable = d.stable_for_ns if d.stable_for_ns > 0 else 60 * SECOND

    def enter_aborted(self, d):
        self.abort = self.abort or d

    def enter_sealed(self, d):
        if d.actor == "lifeboat":
            self.seal = d

    def enter_torn(self, _):
        self.torn += 1

    def enter_reach(self, d):
        self.reach = d

    def enter_phase(self, d):
        if d.outcome == "":
            self.phases.append(Bag(name=d.phase, started=d.elapsed, ended=0, outcome="", error="", open=True, begun=True))
            if d.phase == "upgrade" and d.subject.incident > 0:
                self.windows.append(Bag(start=exact(d.elapsed), to=None, open=True))
            return
        p = next((p for p in reversed(self.phases) if p.open and p.name == d.phase), None)
        if not p:
            p = Bag(name=d.phase, started=d.elapsed, begun=False)
            self.phases.append(p)
        elif d.phase == "upgrade":
            further = [w for w in self.windows if w is not self.window]
            if further:
                further[-1].to, further[-1].open = exact(d.elapsed), False
        p.ended, p.outcome, p.error, p.open = d.elapsed, d.outcome, d.error, False

    def enter_upgrade(self, d):
        if not self.window:
            self.window = Bag(start=exact(d.elapsed), to=None, open=True)
            self.windows.append(self.window)
        if d.state == "ended":
            self.window.to, self.window.open = exact(d.elapsed), False

    def enter_restore_point(self, p):
        if p.promise is None and ":" in p.expected_digest:
            algorithm, value = p.expected_digest.split(":", 1)
            p.promise = Bag(algorithm=algorithm, value=value, verified_by="lifeboat" if p.digest == p.expected_digest else "")
        for i, q in enumerate(self.points):
            if same(p, q, "backup", "point") and (p.digest == q.digest or not p.digest or not q.digest):
                if p.consistent_to is None:
                    p.consistent_to, p.consistent_source, p.age_ns = q.consistent_to, q.consistent_source, q.age_ns
                if not p.digest:
                    p.digest = q.digest
                    if p.promise and q.promise and promised(p) == promised(q):
                        p.promise = q.promise
                self.points[i] = p
                return
        self.points.append(p)

    def enter_pulse(self, d):
        at = ordered(d.at) if d.at != (0, 0) else exact(d.elapsed)
        if not self.pulse:
            self.pulse = Bag(start=at, to=None, open=True, pace=None, edges=[], rests=[], late=[], unasked=[], last_red=None,
                             totals=read_shape(SHAPES["pulse"]["totals"][1], {}), broken="")
        p = self.pulse
        rest = p.rests[-1] if p.rests else None
        if d.state == "started":
            p.pace = d.pace
        elif d.state in ("red", "green"):
            if not p.edges or p.edges[-1].red != (d.state == "red"):
                p.edges.append(Bag(at=at, why=d.why, facts=d.red, red=d.state == "red"))
        elif d.state in ("rests", "turns"):
            p.rests.append(Bag(start=at, to=None, open=True, flow=d.why, seen=d.seen, turn=d.state == "turns"))
        elif d.state == "goes_on" and rest:
            rest.to, rest.open, rest.seen = at, False, rest.seen and d.seen
        elif d.state in ("stopped", "broken"):
            p.late, p.unasked, p.last_red = d.late, d.unasked, d.red
            if d.state == "broken":
                p.to, p.open, p.totals, p.broken = at, True, d.totals, d.why or "the stream ended"
            elif not p.broken:
                p.to, p.open, p.totals = at, False, d.totals

    def incident(self, d, opens=False):
        number = d.subject.incident
        if number <= 0:
            number = self.last_incident + 1 if opens else self.last_incident or 1
        if number not in self.incidents:
            self.incidents[number] = Bag(
                number=number, trigger=self.header.trigger, begin=d.elapsed, faults=[], T0=None, T1=None, T2=None, T3=None, T5=None,
                T6=None, T7=None, decision=None, rollback="", error="", overdue=None, rolled_back=None)
            self.last_incident = number
        at = getattr(d, "at", (0, 0))
        return self.incidents[number], ordered(at) if at != (0, 0) else exact(d.elapsed)

    def enter_incident_opened(self, d):
        inc, at = self.incident(d, opens=True)
        inc.trigger = d.trigger or inc.trigger
        if inc.trigger == "order" and not inc.T0:
            inc.T0 = at

    def enter_incident_detected(self, d):
        inc, at = self.incident(d)
        inc.T1 = inc.T1 or at

    def enter_incident_decided(self, d):
        inc, at = self.incident(d)
        if not inc.T3:
            inc.T2, inc.decision = at, d

    def enter_incident_rollback(self, d):
        inc, _ = self.incident(d)
        if not inc.T3:
            inc.T3, inc.rollback = exact(d.elapsed), "running"
        if d.state in ("done", "failed"):
            inc.rollback, inc.error, inc.overdue, inc.rolled_back = d.state, d.error, d.overdue, exact(d.elapsed)

    def enter_fault(self, d):
        inc, at = self.incident(d)
        f = next((f for f in inc.faults if same(f, d, "index", "kind", "on")), None)
        if not f:
            f = Bag(index=d.index, kind=d.kind, on=d.on, note="", injected=None, effective=None, ended=None, answers=[], no_effect=False)
            inc.faults.append(f)
        f.state, f.note = d.state, d.note or f.note
        if d.state == "injected" and not f.injected:
            f.injected = at
        elif d.state == "effective" and not f.effective:
            f.effective = at
        elif d.state == "ended":
            f.ended = at
        elif d.after > 0:
            f.answers.append(d)
        elif d.state == "no-effect":
            f.no_effect, f.effective = True, None

    def enter_cleanup(self, d):
        def leave(gone):
            self.left = [x for x in self.left if not gone(x)]
        if d.state in ("undone", "gone", "failed"):
            leave(lambda x: same(x, d, "what", "name", "entry"))
        if d.state in ("incomplete", "proved"):
            leave(lambda x: x.state == "incomplete")
        if d.state in ("failed", "incomplete"):
            self.left.append(d)
        if d.state in ("failed", "incomplete", "unproved"):
            self.proved = False
        if d.state == "unproved":
            self.unproved = d.error
        if d.state == "kept":
            self.kept += d.left or ([d.name] if d.name else [])
        if d.state == "proved":
            self.proved, self.unproved = True, ""

    # What only the whole journal tells.

    def finish(self):
        self.ended = self.events[-1].elapsed_ns
        self.status = "crashed"
        if self.abort or (self.seal and self.seal.status == "aborted"):
            self.status = "aborted"
        elif self.seal and self.seal.status in ("", "completed"):
            self.status = "completed"
        self.completed = self.status == "completed"
        # Events after the seal are the reaper's.
        self.watched = max((e.elapsed_ns for e in self.events if e.actor != "reaper"), default=0)
        limits = [self.watched] + [d.elapsed for d in self.harness[:1] + [self.abort] if d]
        limits += [t for t in [p.started for p in self.phases if p.name == "cleanup" and p.begun][:1] if t > 0]
        self.observed = min(limits)
        for p in self.phases:
            if p.open:
                p.outcome, p.ended = "failed", self.ended
        for w in self.windows:
            if w.open:
                w.to = exact(self.observed)
        self.finish_pulse()
        self.finish_incidents()
        self.finish_clocks()

    def finish_pulse(self):
        p, self.stretches = self.pulse, []
        if not p:
            return
        if p.open and not p.broken:
            p.to = exact(self.observed)
        for e in p.edges:
            if e.red:
                self.stretches.append(Bag(start=e.at, why=e.why, to=p.to, facts=p.last_red, open=True))
            elif self.stretches:
                s = self.stretches[-1]
                s.to, s.facts, s.open = e.at, e.facts, False
        for r in p.rests:
            if r.open:
                r.to = p.to

    def is_planned(self, s):
        return any(not s.open and s.start[1] >= w.start[0] and (w.open or s.to[0] <= w.to[1] or self.header.trigger == "fault")
                   and not any(f.injected and f.injected[0] < s.to[1] and f.injected[1] > w.start[0]
                               for i in self.incidents for f in i.faults)
                   for w in self.windows)

    def finish_incidents(self):
        self.incidents = [self.incidents[n] for n in sorted(self.incidents)]
        for inc in self.incidents:
            inc.begin = min([inc.begin] + [f.injected[0] for f in inc.faults if f.injected])
        if self.incidents and self.incidents[0].trigger == "upgrade" and self.window:
            self.incidents[0].begin = min(self.incidents[0].begin, self.window.start[0])
        for before, inc in zip(self.incidents, self.incidents[1:]):
            inc.begin = max(inc.begin, before.begin)
        for s in self.stretches:
            s.planned = self.is_planned(s)
        for i, inc in enumerate(self.incidents):
            inc.next = self.incidents[i + 1] if i + 1 < len(self.incidents) else None
            inc.end = exact(inc.next.begin) if inc.next else self.pulse.to if self.pulse else exact(self.observed)
            injected = [f.injected[0] for f in inc.faults if f.injected]
            inc.breaks = max(inc.begin, min(injected)) if inc.trigger == "fault" and injected else inc.begin
            if not inc.T0:
                self.find_T0(inc, min(injected, default=0))
            if inc.T3:
                self.find_T5(inc)
            if inc.T6 and self.header.checks:
                self.find_T7(inc)

    def first_red(self, inc):
        for s in self.stretches:
            if s.planned or s.start[1] > inc.end[1]:
                continue
            if s.start[1] >= inc.breaks:
                return s.start
            for f in inc.faults:
                if (f.injected and not (not s.open and s.to[0] <= f.injected[1]) and f.effective
                        and (s.open or s.to[1] > f.effective[1])):
                    return f.injected
        return None

    def find_T0(self, inc, start):
        def take(m):
            m = (min(max(m[0], start), m[1]), m[1])
            if not inc.T0:
                inc.T0 = m
            else:
                inc.T0 = (min(m[0], inc.T0[0]), min(m[1], inc.T0[1]))
        for f in inc.faults:
            if f.effective:
                take(f.effective)
        red = self.first_red(inc)
        if red:
            take(red)
        for c in self.checks:
            if c.when == "broken" and c.status == "failed" and c.incident == inc.number:
                late = max(c.started_ns, c.ended_ns)
                if not inc.T0 or late < inc.T0[1]:
                    take((min(max(start, inc.begin), late), late))

    def find_T5(self, inc):
        p, T3 = self.pulse, inc.T3
        edges = p.edges if p else []
        if not p or p.start[0] > T3[0] or (p.broken and p.to[1] < T3[0]):
            green = False
        else:
            before = [e for e in edges if e.at[1] <= T3[0]]
            green = not before[-1].red if before else edges[0].red if edges else p.totals.good > 0
        since, first = T3 if green else None, None
        for e in edges:
            if e.at[1] > T3[0] and (not inc.next or e.at[1] < inc.end[0]):
                since = None if e.red else e.at
                first = first or since
        inc.T5 = first or since
        whole = p and ((p.totals.good + p.totals.bad > 0 and (not p.open or (inc.next and p.to[0] >= inc.end[0])))
                       or (p.open and not p.broken and inc.next))
        if since and whole and inc.end[0] - since[1] >= self.stable:
            inc.T6 = since

    def find_T7(self, inc):
        latest = 0
        for planned in self.header.checks:
            results = [c for c in self.checks if same(c, planned, "name", "layer") and c.when == "after"
                       and c.incident >= inc.number and c.ended_ns >= inc.T3[0]]
            own = []
            for c in results:
                if c.incident != results[0].incident:
                    break
                own.append(c)
            if not own or any(c.status != "passed" for c in own):
                return
            latest = max([latest] + [c.ended_ns for c in own])
        inc.T7 = (max(inc.T6[0], latest), max(inc.T6[1], latest))

    def finish_clocks(self):
        events = [e for e in self.events if e.actor != "reaper" and e.wall is not None]

        def pair(a, b):
            boot = b.boot_ns - a.boot_ns if a.boot_ns and b.boot_ns else 0
            counted, on_wall = b.elapsed_ns - a.elapsed_ns, b.wall - a.wall
            values = [counted, on_wall] + ([boot] if boot else [])
            explained = max(values) - min(values) <= max(2 * SECOND, int(0.0005 * max(counted, boot)))
            return Bag(start=a.elapsed_ns, to=b.elapsed_ns, counted=counted, wall=on_wall, boot=boot), explained
        first = previous = events[0] if events else None
        for e in events:
            p, explained = pair(previous, e)
            if explained:
                p, explained = pair(first, e)
            if not explained:
                self.jumps.append(p)
                first = e
            previous = e

    # ---- 5 the busy host

    def pace(self):
        """The pace of the pulse, with what follows from it."""
        h, p = self.header, self.pulse.pace if self.pulse else None
        p = copy.copy(p) if p else Bag(rate=h.pulse_rate, every_ns=0, timeout_ns=h.pulse_timeout_ns, request_timeout_ns=0, blind_after_ns=0)
        p.period = p.every_ns if p.every_ns > 0 or p.rate <= 0 else int(SECOND / p.rate)
        p.slowest = max(p.every_ns, p.timeout_ns) if p.every_ns > 0 else p.period
        p.longest = p.blind_after_ns
        if p.longest <= 0:
            p.longest = max(5 * SECOND, 10 * p.period)
            if p.request_timeout_ns > 0:
                p.longest = max(p.longest, p.timeout_ns + 2 * p.period)
        p.limit = next((x for x in (h.latency_limit_ns, p.request_timeout_ns, p.timeout_ns) if x), 0)
        return p

    def held_up(self, start, to):
        held = dict.fromkeys(("cpu", "memory", "io", "late", "trip", "k6"), 0)
        for load in self.loads:
            a, b = max(load.from_ns, start), min(load.to_ns, to)
            if a >= b:
                continue
            whole = load.to_ns - load.from_ns
            share, idle = sec(b - a) / sec(whole), sec(self.idle(a, b)) / sec(whole)
            held["cpu"] += int(min(load.cpu_ns, whole) * (share * (1 - min(1, max(0, load.ours)))))
            held["memory"] += int(min(load.memory_ns, whole) * idle)
            held["io"] += int(min(load.io_ns, whole) * idle)
            held["late"], held["trip"] = max(held["late"], load.late_ns), max(held["trip"], load.trip_ns)
        for late in self.pulse.late if self.pulse else []:
            if late.from_ns < to and late.to_ns > start:
                held["k6"] = max(held["k6"], late.by_ns)
        return held

    def idle(self, a, b):
        """The time from a to b in which no restore ran."""
        rest, at = 0, a
        for start, end in sorted((r.started_ns, r.ended_ns) for r in self.restores):
            rest += max(0, min(start, b) - at)
            at = max(at, end)
        return rest + max(0, b - at)

    def excuse(self, o):
        """The args of the excuse, or None where the overdue is not excused."""
        if not o or o.limit_ns <= 0 or o.to_ns - o.from_ns < o.limit_ns:
            return None
        over = o.to_ns - o.from_ns - o.limit_ns
        most, by = most_of(self.held_up(o.from_ns, o.to_ns))
        if most <= 0 or most < over:
            return None
        return {"limit": dur(o.limit_ns), "over": dur(over), "held": dur(most), "by": by}

    def slow_business(self, s):
        if not s.facts or s.facts.bad <= 0:
            return None
        args, f, limit = None, s.facts, self.pace().limit
        if f.late == f.bad and limit > 0:
            args = self.excuse(Bag(limit_ns=limit, from_ns=f.from_ns, to_ns=max(f.to_ns, f.from_ns + limit)))
        for o in self.waited:
            if not args and s.start[1] <= o.to_ns and (s.open or s.to[1] >= o.to_ns) and f.answer_ns < o.from_ns:
                args = self.excuse(o)
        return args and {**args, "at": dur(s.start[1]), "why": s.why}

    # ---- 6 terms

    def basis(self):
        all_of = [x.basis for x in self.header.instances + self.boots]
        return next((b for b in ("projected", "emulated") if b in all_of), "measured")

    def booted_all(self):
        booted = {b.subject.instance for b in self.boots}
        return not any(map(went_wrong, self.restores)) and bool(self.boots) and all(i.name in booted for i in self.header.instances)

    def end(self, inc):
        return inc.end[1]

    def red_at_end(self, inc):
        return any(s.start[1] <= self.end(inc) and (s.open or s.to[1] > self.end(inc)) for s in self.stretches)

    def excused_at(self, t):
        return (any((r.image_lacks or r.unread or r.lack) and r.ended_ns <= t for r in self.restores)
                or any(p.reached and not p.control for p in self.probes) or any(h.elapsed <= t for h in self.harness)
                or any(j.start < t for j in self.jumps) or (not self.completed and t >= self.observed))

    def excused_end(self, t):
        return self.excused_at(t) or any(h.elapsed <= self.observed for h in self.harness)

    def broke(self):
        return min([self.observed] + [h.elapsed for h in self.harness] + [j.start for j in self.jumps])

    def sure(self, s):
        return not self.excused_at(self.observed) or (not s.open and s.to[1] < self.broke())

    def doubted(self):
        turns = [r for r in self.pulse.rests if r.turn] if self.pulse else []
        windows = []
        for i in range(0, len(turns), 2):
            second = turns[i + 1] if i + 1 < len(turns) else None
            if turns[i].open:
                return []
            windows.append(Bag(start=turns[i].to, to=second.start if second else self.pulse.to, open=not second))
        ok = all(any(s.start[0] < w.start[0] and (s.open or s.to[1] > w.to[1]) for s in self.stretches) for w in windows)
        return windows if ok else []

    def verified(self, inc):
        return bool(inc.T3) and any(c.when == "after" and c.incident == inc.number and c.ended_ns >= inc.T3[0] for c in self.checks)

    def asked(self, planned):
        latest = max((i.T3[0] for i in self.incidents if i.T3), default=0)
        whens = ("after", "once", "before") if self.header.trigger == "none" else ("after", "once")
        return any(same(c, planned, "name", "layer") and c.when in whens and c.ended_ns >= latest for c in self.checks)

    def baseline(self):
        p = next((p for p in self.phases if p.name == "baseline"), None)
        p = p or Bag(started=0, ended=0, outcome="", error="", open=False)
        p.failed = p.outcome == "failed"
        return p

    def silent_since(self):
        p = self.pulse
        return 0 if p.open else max(0, self.observed - p.to[1] - (self.pace().timeout_ns if self.pace().blind_after_ns > 0 else 0))


def most_of(held):
    by = max(held, key=held.get)  # the first of equals
    return (held[by], by) if held[by] > 0 else (0, "")


def promised(p):
    return f"{p.promise.algorithm}:{p.promise.value}" if p.promise and p.promise.value else ""


def bad_of(r):
    return r.lack.what if r.lack else r.backup_bad + r.image_lacks + r.unread


def went_wrong(r):
    return bad_of(r) != ""


def rolls_back(decision):
    return decision.outcome in ("full-rollback", "partial-rollback", "switch-to-standby")


def stays(inc):
    return bool(inc.decision) and not rolls_back(inc.decision) and not inc.T3


def degraded(t):
    return t.unproven + t.dropped > 0.01 * (t.good + t.bad + t.unproven + t.dropped)


def told(s):
    f = s.facts
    if not f:
        return {"why": s.why, "last": "", "checks": ""}
    failed = sorted(f.failed, key=lambda x: -x.count)
    args = {"why": s.why, "last": f.last if f.last != s.why else "", "checks": ", ".join(f"{x.name} ×{x.count}" for x in failed)}
    if len(failed) == 1 and failed[0].name == s.why and args["last"] == "":
        args["why"] = ""
    return args


def fault_args(f, inc, why):
    return {"fault": f.kind, "on": f.on, "incident": str(inc.number), "why": why}


# ---- 7 the rules

def made_of(instance):
    return [instance.backup, *getattr(instance, "with")] if instance.backup else []


class Verdict:
    """Collects what the rules add."""

    def __init__(self, record):
        self.r, self.h = record, record.header
        self.reasons, self.findings, self.observations, self.weak, self.unmeasured, self.excluded = [], [], [], [], [], []
        self.objectives, self.outage, self.held = [], None, 0
        only_read = self.h.up_to == "read"
        rules = (self.run, self.clocks, self.restores, self.points, self.limits, self.rule_objectives, self.phases, self.cleanup) if only_read else (
            self.run, self.clocks, self.isolation, self.egress, self.restores, self.points, self.limits, self.skew, self.boots_failed,
                     self.preparation, self.rule_pulse, self.rule_baseline, self.rule_checks, self.rule_reach, self.rule_incidents,
                     self.business, self.rule_objectives, self.phases, self.cleanup, self.notes, self.not_asked)
        for rule in rules:
            rule()
        if only_read:
            self.I("read.only")
        self.conclude()

    def add(self, status, id, finding="", /, **args):
        if not any(x["id"] == id and x["args"] == args for x in self.reasons):
            self.reasons.append({"id": id, "args": args, "status": status})
        if finding:
            self.find(id, {"!": "high", "!m": "medium"}[finding], **args)

    def F(self, id, finding="", /, **args):
        self.add("failed", id, finding, **args)

    def I(self, id, finding="", /, **args):
        self.add("inconclusive", id, finding, **args)

    def find(self, id, severity, /, **args):
        self.findings.append({"id": id, "severity": severity, "args": args})

    def O(self, id, /, **args):
        self.observations.append({"id": id, "args": args})

    def W(self, id, /, **args):
        self.weak.append({"id": id, "args": args})

    def has(self, *ids):
        return any(x["id"] in ids for x in self.reasons)

    # 7.1
    def run(self):
        r = self.r
        if r.status == "aborted":
            self.add("aborted", "aborted.by", by=r.abort.actor if r.abort else "", why=r.abort.why if r.abort else "")
        if r.status == "crashed":
            self.I("run.crashed", at=dur(r.observed))
        for h in r.harness:
            self.I("harness.broke", phase=h.phase, error=h.error)
        known = {"detect.in_green": ("rule", "incident"), "fault.red_before": ("incident",), "flow.crowded": ("pace", "why"),
                 "flow.blind": ("flows",), "flow.blind_errors": ("flows",)}
        for o in r.observations:
            def args(*names):
                return {n: o.args.get(n, "") for n in names}
            if o.id in known:
                self.I(o.id, **args(*known[o.id]))
            elif o.id in ("flow.hollow", "flow.uncontrolled", "flow.uncontrolled_errors"):
                self.W(o.id, **args("flows"))
            elif o.id in ("boot.hidden", "store.check_failed", "store.unchecked"):
                self.W(o.id, **o.args)
            elif o.id.startswith("upgrade.") and o.args.get("on_conflict") == "stop":
                self.I("upgrade.stopped", **args("instance", "running", "next", "modules", "why"))

    # 7.2
    def clocks(self):
        for j in self.r.jumps:
            if j.start < self.r.observed:
                self.I("clock.jumped", **{"from": dur(j.start), "to": dur(j.to), "counted": dur(j.counted), "wall": dur(j.wall),
                                          "boot": dur(j.boot) if j.boot else ""})

    # 7.3
    def isolation(self):
        probes = self.r.probes
        for p in probes:
            if p.control and not p.reached:
                self.I("isolation.unproved", instance=p.subject.instance)
            elif p.reached and not p.control:
                self.I("isolation.leak", "!", instance=p.subject.instance, target=p.target, address=p.address, protocol=p.protocol)
        named = any(p.subject.instance for p in probes)
        for b in self.r.boots:
            name = b.subject.instance
            own = [p for p in probes if p.subject.instance == (name if named else "")]
            sealed, control = any(not p.control and not p.reached for p in own), any(p.control and p.reached for p in own)
            if not sealed or not control:
                self.I("isolation.unproved", instance=name)

    def egress(self):
        groups = {}
        for e in self.r.egress:
            groups.setdefault((e.subject.instance, e.protocol, e.expected), []).append(e)
        for (instance, protocol, expected), facts in groups.items():
            args = {"instance": instance, "protocol": protocol, "count": str(sum(e.count for e in facts))}
            if len(facts) == 1:
                id, more = "", {"target": facts[0].target, "host": facts[0].host}
            else:
                names = [e.target if e.host in ("", e.target) else f"{e.target} ({e.host})" for e in facts[:3]]
                id, more = "_many", {"targets": str(len(facts)), "examples": ", ".join(names)}
            if expected:
                self.O("egress.expected" + id, **args, **more)
            else:
                self.find("egress.unexpected" + id, "medium", **args, **more)

    # 7.4
    def restores(self):
        for x in self.r.restores:
            if x.missing or x.misfit or x.kind:
                self.no_backup(x)
                continue
            of, at = {"backup": x.backup}, {"instance": x.subject.instance}
            if x.unread:
                self.I("backup.unasked", "!m", **of, why=x.unread)
            if x.backup_bad:
                excuse = self.r.excuse(x.overdue)
                if excuse:
                    self.I("host.slow_boot", **at, **of, **{"why": x.backup_bad, **excuse})
                else:
                    self.F("backup.bad", "!", **of, **at, point=x.point, why=x.backup_bad)
            if x.image_lacks:
                self.I("backup.image_lacks", "!m", **of, **at, what=x.image_lacks)
            if x.lack:
                self.I("backup.lack", "!m", **of, **at, lack=x.lack.kind, what=x.lack.what)
        first = {}
        for x in self.r.restores:
            if x.digest and not went_wrong(x):
                known = first.setdefault((x.backup, x.point), x.digest)
                if known != x.digest:
                    self.I("restore_point.changed", backup=x.backup, point=x.point, first=known, then=x.digest)
        if self.r.completed and not self.r.harness and self.r.booted_all():
            for i in self.h.instances:
                for b in made_of(i):
                    if not any(x.subject.instance == i.name and x.backup == b for x in self.r.restores):
                        self.I("backup.unrestored", backup=b, instance=i.name)

    def no_backup(self, x):
        of, m, k = {"backup": x.backup}, x.missing, x.kind
        if m and m.store:
            self.I("backup.unasked", "!m", **of, why=m.store)
        elif m and not m.name:
            self.I("backup.none", "!m", **of)
        elif m:
            args = dict(of, name=m.name, why=m.why, more=str(m.more) if m.more else "", newest=m.newest,
                        limit=dur(m.limit_ns) if m.limit_ns else "")
            if x.backup_bad:
                self.F("backup.missing", "!", **args)
            else:
                self.I("backup.missing", "!m", **args)
        elif x.misfit:
            self.I("backup.misfit", "!m", **of, point=x.point, what=x.misfit.what, has=x.misfit.has, wants=x.misfit.wants)
        elif x.backup_bad:
            self.F("backup.no_backup", "!", **of, point=x.point, kind=k.name, said=k.said)
        elif not k.command:
            self.I("backup.misplaced", "!m", **of, point=x.point, kind=k.name)
        else:
            self.I("backup.packed", "!m", **of, point=x.point, kind=k.name, why=k.why, command=k.command)

    def points(self):
        said = set()
        for p in self.r.points:
            self.made(p)
            of = {"backup": p.backup}
            if p.doubt:
                self.I("digest.doubtful", **of, point=p.point, why=p.doubt)
            well = not any(x.backup == p.backup and went_wrong(x) for x in self.r.restores)
            if p.promise and p.promise.algorithm == "sha256" and p.digest and p.digest != promised(p):
                if well:
                    self.F("backup.bad", "!", **of, point=p.point, why=f"{p.digest}, not {promised(p)}", instance="")
                continue
            if p.backup in said:
                continue
            if p.promise and p.promise.verified_by:
                if p.promise.algorithm not in ("sha1", "md5"):
                    continue
                self.O("digest.weak", **of, algorithm=p.promise.algorithm)
            else:
                self.O("digest.unread" if p.promise and well else "digest.unverified", **of)
            said.add(p.backup)

    def made(self, p):
        m = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d+))?", p.made)
        if not m or p.consistent_to is None:
            return
        try:
            made = since_epoch(*(int(x) for x in m.groups()[:6]), int((m[7] or "").ljust(9, "0")[:9]))
        except Shape:
            return
        known = p.made_at is not None
        apart = p.consistent_to - (p.made_at if known else made)
        args = dict(backup=p.backup, point=p.point, declared=in_utc(p.consistent_to), source=p.consistent_source, made=p.made, zone=p.timezone)
        if apart > 14 * 3600 * SECOND:
            self.F("backup.contradicts", "!", **args)
        elif apart > 300 * SECOND and known:
            self.I("restore_point.after_dump", **args)
        elif apart < -14 * 3600 * SECOND and not p.explained:
            self.I("restore_point.before_dump", **args)

    def limits(self):
        for l in self.h.backup_limits:
            points = [p for p in self.r.points if p.backup == l.backup]
            if not points:
                self.I("limit.unmeasured", backup=l.backup)
            for p in points:
                if l.min_size_bytes or l.shrink_percent:
                    self.limit_size(l, p)
                if l.keep or l.oldest_ns:
                    self.limit_kept(l, p)

    def limit_size(self, l, p):
        size, of = p.size_bytes, {"backup": l.backup, "point": p.point}
        if size <= 0:
            self.I("limit.unsized", **of)
            return
        if size < l.min_size_bytes:
            self.F("limit.small", "!", **of, size=str(size), min_size=str(l.min_size_bytes))
        if l.shrink_percent and not l.sizes_before:
            self.O("limit.no_size_before", backup=l.backup)
        elif l.shrink_percent:
            n = len(l.sizes_before)
            usual = sorted(l.sizes_before)[n // 2]
            if size < usual * (1 - l.shrink_percent / 100):
                shrink = repr(float(l.shrink_percent)).removesuffix(".0")
                self.F("limit.shrunk", "!", **of, size=str(size), usual=str(usual), count=str(n), shrink=shrink + "%")

    def limit_kept(self, l, p):
        if p.lies == 0 or (l.oldest_ns > 0 and p.oldest is None):
            self.I("limit.unlisted", backup=l.backup)
            return
        if p.lies < l.keep:
            self.F("limit.few", "!", backup=l.backup, count=str(p.lies), keep=str(l.keep))
        if l.oldest_ns > 0:
            age = p.listed - p.oldest if p.listed is not None else -1
            if age < l.oldest_ns:
                self.F("limit.no_old", "!", backup=l.backup, age=dur(max(0, age)), limit=dur(l.oldest_ns))

    def skew(self):
        limit = self.h.max_skew_ns or 0
        if limit <= 0 and not any(getattr(i, "with") for i in self.h.instances):
            return
        parts = {}
        for p in self.r.points:
            if p.loaded:
                parts.setdefault(p.backup, p)
        known = [p for p in parts.values() if p.consistent_to is not None]
        if limit > 0:
            for p in parts.values():
                if p.consistent_to is None:
                    self.I("skew.unmeasured", backup=p.backup)
            if len(known) < 2 and len(known) == len(parts):
                self.I("skew.alone")
        if len(known) < 2:
            return
        older, newer = min(known, key=lambda p: p.consistent_to), max(known, key=lambda p: p.consistent_to)
        apart = newer.consistent_to - older.consistent_to
        args = dict(older=older.backup, newer=newer.backup, skew=dur(apart))
        if 0 < limit < apart:
            self.F("skew.exceeded", "!", **args, limit=dur(limit))
        else:
            self.O("skew.known", **args)

    # 7.5
    def boots_failed(self):
        for b in self.r.boots_failed:
            why = b.why
            if b.lines and b.lines[-1] not in why:
                why += "; it printed last: " + b.lines[-1]
            args = dict(instance=b.subject.instance, backup=b.backup, point=b.point, image=b.image, why=why, met=", ".join(b.met),
                        sought=", ".join(b.sought), unknown=b.not_asked)
            if b.during == "rollback" and (b.met or b.sought):
                self.find("boot.failed", "medium", **dict(args, why=""))
            elif b.during == "restore" or (b.during == "upgrade" and self.h.trigger != "upgrade"):
                self.I("boot.failed", "!m", **args)

    # 7.6
    def preparation(self):
        r = self.r
        upgrade = (self.h.trigger == "fault" and r.completed and not r.harness and not any(b.during == "upgrade" for b in r.boots_failed)
                   and not any(x.during == "upgrade" and went_wrong(x) for x in r.restores))
        for s in r.steps:
            if s.outcome == "failed" and s.phase == "upgrade" and upgrade:
                self.I("upgrade.failed", step=s.what, error=s.error)
            if s.outcome == "failed" and s.phase == "prepare":
                self.I("prepare.failed", step=s.what, error=s.error)

    # 7.7
    def rule_pulse(self):
        p = self.r.pulse
        if not p:
            if self.h.pulse_rate > 0:
                self.I("pulse.missing")
            return
        if p.broken or (p.open and self.r.completed):
            self.I("pulse.broken", why=p.broken, at=dur(p.to[1]))
        if p.open and not p.broken:
            return
        if p.unasked:
            self.I("flow.unasked", flow=self.h.flow, unasked=", ".join(p.unasked))
        t, pace = p.totals, self.r.pace()
        if t.good + t.bad == 0 and not p.broken:
            self.I("pulse.empty")
        seen = t.good + t.bad + t.unproven + t.dropped
        if seen > 0 and degraded(t):
            share = f"{(t.good + t.bad) / seen * 100:.1f}%"
            self.I("pulse.degraded", good=str(t.good), bad=str(t.bad), unproven=str(t.unproven), dropped=str(t.dropped), share=share)
        silence = max(t.silence_ns, self.r.silent_since())
        if silence > pace.longest:
            self.I("pulse.silent", silence=dur(silence), longest=dur(pace.longest))
        lasted = p.to[0] - p.start[1] - sum(x.to[1] - x.start[0] for x in p.rests)
        want = lasted / pace.slowest / 2 if pace.slowest else 0
        if lasted > 10 * SECOND and not p.broken and seen < want:
            self.I("pulse.sparse", seen=str(seen), expected=str(int(2 * want)))

    # 7.8
    def rule_baseline(self):
        r, base = self.r, self.r.baseline()
        bad = [c for c in r.checks if c.when == "before" and c.status == "failed"]
        if not base.failed and not bad:
            return
        excused = bool(r.abort) or r.excused_end(base.ended) if base.failed else r.excused_at(base.ended)
        if base.open or not r.booted_all() or excused:
            if base.failed:
                self.I("baseline.unknown", why=base.error)
            return
        slow = [(c, r.excuse(c.overdue)) for c in bad]
        for c, excuse in slow:
            if excuse:
                self.I("host.slow_check", check=c.name, layer=c.layer, message=c.message, **excuse)
            else:
                self.F("check.failed_before", "!", check=c.name, layer=c.layer, message=c.message, backup=c.backup)
        bad = [c for c, excuse in slow if not excuse]
        if not base.failed:
            return
        for o in r.waited if r.pulse else []:
            if o.from_ns >= base.started and o.to_ns <= base.ended:
                answered = any(s.start[1] <= o.to_ns and (s.open or s.to[1] >= o.from_ns) and (not s.facts or s.facts.answer_ns >= o.from_ns)
                               for s in r.stretches)
                excuse = None if answered else r.excuse(o)
                if excuse:
                    self.I("host.slow_business", at=dur(o.from_ns), why=base.error, **excuse)
                    return
        why = base.error
        if not bad:
            if any(o.id == "flow.crowded" for o in r.observations):
                return
            red = [s for s in r.stretches if s.start[1] <= base.ended]
            p = r.pulse
            if p and p.pace and red and all(s.facts and s.facts.bad > 0 and s.facts.late == s.facts.bad for s in red):
                self.I("flow.late", bad=str(sum(s.facts.bad for s in red)), all=str(p.totals.good + p.totals.bad + p.totals.unproven),
                       timeout=dur(p.pace.timeout_ns), request=dur(p.pace.request_timeout_ns), why=red[-1].why)
                return
            known = (p and not p.broken and red and (p.open or (p.totals.bad > 0 and not degraded(p.totals)
                                                               and p.totals.silence_ns <= r.pace().longest)))
            if not known:
                self.I("baseline.unknown", why=base.error)
                return
            why = red[-1].why or why
        backups = [c.backup for c in bad]
        if not any(backups):
            backups = [x.backup for x in r.restores + r.points]
        self.F("baseline.red", "!", backup=", ".join(sorted(set(backups) - {""})), why=why)

    # 7.9
    def rule_checks(self):
        r, planned = self.r, self.h.checks
        if not planned:
            self.I("checks.none")
        for layer in LAYERS:
            if any(c.layer == layer for c in planned):
                continue
            reason = self.h.excluded.get(layer, "").strip()
            if any(unicodedata.category(x).startswith("L") for x in reason):
                self.excluded.append({"layer": layer, "reason": reason})
            elif planned:
                self.I("layer.unchecked", layer=layer)
        for c in r.checks:
            if c.when not in ("after", "before", "once") or c.status == "passed":
                continue
            args = dict(check=c.name, layer=c.layer)
            if c.status == "failed":
                if c.when == "before" and self.h.trigger != "none":
                    continue
                excuse = r.excuse(c.overdue)
                if excuse:
                    self.I("host.slow_check", **args, message=c.message, **excuse)
                else:
                    self.F("check.failed", "!", **args, message=c.message, backup=c.backup)
            elif c.status in ("skipped", "crashed"):
                self.I("check." + c.status, **args, message=c.message)
            else:
                self.I("check.unreadable", **args, result=c.status)
        for c in planned:
            if not r.asked(c) or any(r.verified(i) and not any(
                    same(x, c, "name", "layer") and x.when == "after" and x.incident == i.number and x.ended_ns >= i.T3[0] for x in r.checks)
                    for i in r.incidents[:-1]):
                self.I("check.missing", check=c.name, layer=c.layer)

    # 7.10
    def rule_reach(self):
        r, reach, instances = self.r, self.r.reach, self.h.instances
        if (not reach or not r.completed or not r.booted_all() or r.excused_at(r.observed) or not all(map(r.asked, self.h.checks))):
            return
        if reach.unmeasured:
            self.W("reach.unmeasured", why=reach.unmeasured)
            return
        proved = {i.name for i in instances if i.backup} | {x.subject.instance for x in r.restores}

        def asking(l):
            return l.check or l.flow != ""

        def spoken(links, p):
            found, before = {l.to for l in links if p(l)}, None
            while found != before:
                before = set(found)
                found |= {l.to for l in links if l.frm and l.frm in found}
            return found

        def elsewhere(links, flows):
            return [f for f in flows if not any(i.name in proved and i.name in spoken(links, lambda l: l.flow == f) for i in instances)]
        for l in reach.links:
            l.frm = getattr(l, "from")
        asked = spoken(reach.links, asking)
        for i in instances:
            if i.name not in asked and i.name in proved:
                self.I("reach.none", instance=i.name, backup=i.backup)
            elif i.name not in asked:
                self.O("reach.untouched", instance=i.name)
        flows = elsewhere(reach.links, reach.flows)
        if flows:
            self.I("reach.elsewhere", flows=", ".join(flows))
            return
        if any(l.last_ns == 0 for l in reach.links):
            return
        for i in instances:
            rebuilt = None
            for s in r.steps:
                if s.subject.instance == i.name and s.phase == "rollback" and s.outcome == "done":
                    rebuilt = s.ended_ns if s.kind in ("boot", "restore", "revert") else None if s.kind == "destroy" else rebuilt
            if (rebuilt is not None and i.name in proved and i.name in asked
                    and i.name not in spoken([l for l in reach.links if l.last_ns >= rebuilt], asking)):
                self.I("reach.not_again", instance=i.name, backup=i.backup)
        back = [i.rolled_back[1] for i in r.incidents if i.rollback == "done"]
        if not back or not r.pulse or (r.stretches and r.stretches[-1].open):
            return
        turns = [x.flow for x in r.pulse.rests if x.turn]
        current = {self.h.flow, turns[-1] if turns else self.h.flow}
        flows = elsewhere([l for l in reach.links if l.last_ns >= max(back)], [f for f in reach.flows if f in current or f not in turns])
        if flows:
            self.I("reach.elsewhere_since", flows=", ".join(flows))

    # 7.11
    def rule_incidents(self):
        if self.h.trigger == "none":
            return
        by_number = {i.number: i for i in self.r.incidents}
        planned = len(self.h.incidents)
        highest = min(max([1, planned] + list(by_number)), planned + len(by_number) + 1)
        for number in range(1, highest + 1):
            inc = by_number.get(number)
            if not inc:
                self.I("incident.missing", incident=str(number))
                continue
            for rule in (self.effect, self.detected, self.handled, self.removed, self.in_green, self.idle):
                rule(inc)

    def seen(self, inc):
        r = self.r
        return (any(c.when == "broken" and c.status == "failed" and c.incident == inc.number for c in r.checks)
                or any(not s.planned and s.start[1] <= r.end(inc) and (s.start[1] >= inc.breaks or s.open or (inc.T0 and s.to[1] > inc.T0[1]))
                       for s in r.stretches))

    def effect(self, inc):
        r, number, seen = self.r, str(inc.number), self.seen(inc)
        for f in inc.faults:
            if not f.effective and (f.injected or f.no_effect or f.state == "failed"):
                unconfirmed = not f.no_effect and inc.T0 and inc.trigger != "order" and seen
                self.I("fault.unconfirmed" if unconfirmed else "fault.no_effect", **fault_args(f, inc, f.note))
        planned = sorted(f for i in self.h.incidents if i.id == inc.number for f in i.faults)
        if not any(f.index > 0 for f in inc.faults):
            planned = sorted(set(planned))
        if len(planned) > len(inc.faults) and inc.rolled_back:
            self.I("fault.no_effect", fault=", ".join(planned), on="", why="", incident=number)
        if inc.trigger == "order":
            return
        if not inc.T0:
            if not any(x["id"] == "fault.no_effect" and x["args"]["incident"] == number for x in self.reasons):
                self.I("fault.no_effect", fault="", on="", why="", incident=number)
        elif not seen:
            self.I("fault.unseen", incident=number)
        elif inc.trigger == "upgrade" and self.h.flow_after_upgrade:
            broken = [c for c in r.checks if c.when == "broken" and c.status == "failed" and c.incident == inc.number]
            was_good = any(same(b, c, "name", "layer") and b.when == "before" and b.status == "passed" for c in broken for b in r.checks)
            if not was_good and any(inc.begin <= w.start[1] <= r.end(inc) for w in r.doubted()):
                self.I("flow.never_green", flow=self.h.flow_after_upgrade, incident=number)

    def detected(self, inc):
        if inc.T1 or inc.decision:
            return
        for plan in self.h.incidents:
            if plan.id == inc.number and plan.rule and any(
                    p.name == "detect" and p.outcome == "failed" and inc.begin <= p.started <= self.r.end(inc)
                    and p.ended - p.started >= plan.within_ns for p in self.r.phases):
                self.I("detect.silent", rule=plan.rule, within=dur(plan.within_ns), incident=str(inc.number))

    def handled(self, inc):
        number = str(inc.number)
        if not inc.decision and (not inc.T3 or inc.trigger != "order"):
            self.I("incident.undecided", incident=number)
        if not inc.decision and not inc.T3:
            return
        if stays(inc):
            self.settled(inc)
        elif inc.rollback == "done":
            if not inc.T6:
                self.settled(inc)
        elif inc.rollback == "failed":
            excuse = self.r.excuse(inc.overdue)
            if self.r.excused_end(inc.rolled_back[1]):
                self.I("rollback.unknown", incident=number, error=inc.error)
            elif excuse:
                self.I("host.slow_rollback", incident=number, error=inc.error, **excuse)
            else:
                said = inc.error.partition(": ")[2].partition("; it printed last: ")[0]
                known = said and any(x["id"] == "backup.bad" and x["args"]["why"].startswith(said) for x in self.reasons)
                self.F("rollback.failed", "!", incident=number, error="" if known else inc.error)
        else:
            self.I("rollback.unfinished", incident=number)

    def settled(self, inc):
        p = self.r.pulse
        if not p or p.open or inc.number < len(self.h.incidents) or self.r.red_at_end(inc):
            return
        green = max([p.start[1]] + [s.to[1] for s in self.r.stretches])
        lasted = max(0, p.to[0] - green)
        if lasted < self.r.stable:
            self.I("business.unstable", incident=str(inc.number), lasted=dur(lasted), stable_for=dur(self.r.stable))

    def removed(self, inc):
        by_number = {i.number: i for i in self.r.incidents}
        for f in inc.faults:
            if f.index <= 0 or not f.effective or f.ended:
                continue
            if not f.answers and inc.rollback == "done":
                self.I("fault.unasked", **fault_args(f, inc, ""))
            for a in f.answers:
                after = by_number.get(a.after)
                if after and stays(after):
                    if a.state == "remains":
                        self.W("fault.stands", **fault_args(f, inc, ""))
                    elif a.state != "removed":
                        self.W("fault.stands_unasked", **fault_args(f, inc, a.note))
                elif a.state == "remains" and a.expected:
                    self.F("fault.remains", "!", **fault_args(f, inc, ""))
                elif a.state == "remains":
                    self.I("fault.left", **fault_args(f, inc, ""))
                elif a.state != "removed":
                    self.I("fault.unasked", **fault_args(f, inc, a.note))
                elif not a.expected:
                    self.I("fault.unclaimed", **fault_args(f, inc, a.note))

    def in_green(self, inc):
        stretches = self.r.stretches
        if not self.r.pulse or inc.trigger == "order" or not inc.T0 or not inc.T3:
            return
        n = next((i for i, s in enumerate(stretches) if s.open or s.to[1] > inc.T3[0]), len(stretches))
        if n == 0 or (n < len(stretches) and stretches[n].start[1] <= inc.T3[0]):
            return
        since = stretches[n - 1].to
        if since[1] <= inc.T0[0]:
            return
        until = min([self.r.end(inc)] + [s.start[0] for s in stretches[n:n + 1]])
        if until - since[1] >= self.r.stable:
            self.I("rollback.in_green", incident=str(inc.number), since=dur(since[1]), before=dur(inc.T3[0] - since[1]))

    def idle(self, inc):
        kinds = [s.kind for s in self.r.steps if s.subject.incident == inc.number and s.phase == "rollback" and s.outcome == "done"]
        acting = ("", "exec", "script", "put", "select", "destroy", "boot", "restore", "revert")
        if inc.rollback == "done" and kinds and not any(k in acting for k in kinds):
            self.O("rollback.changed_nothing", incident=str(inc.number))

    # 7.12
    def business(self):
        r = self.r
        if not r.pulse:
            return
        emulated = r.basis() == "emulated"

        def hiccup(s):
            return emulated and s.to[1] - s.start[0] < r.stable

        def certified(inc, t):
            return bool(self.h.checks) and all(any(
                x.name == c.name and x.status == "passed" and x.when == "after" and x.started_ns >= inc.T3[0] and x.ended_ns <= t
                for x in r.checks) for c in self.h.checks)
        for inc in r.incidents:
            if inc.rolled_back and inc.T5:
                self.red_again(inc, hiccup, certified)
        base = r.baseline()
        if self.h.trigger == "none" and not base.failed and not base.open:
            for s in r.stretches:
                if (s.open or s.to[1] > base.ended) and r.sure(s):
                    slow = r.slow_business(s)
                    if not slow:
                        self.F("business.red_again", "!", **told(s), incident="", at=dur(s.start[1]))
                        break
                    self.I("host.slow_business", **slow)
        last = r.stretches[-1] if r.stretches else None
        brought = (not base.failed and (r.incidents or self.h.trigger == "none")
                   and not any((not i.decision and not i.T3) or i.rollback in ("running", "failed") for i in r.incidents))
        if last and last.open and not r.pulse.open and not r.excused_at(r.observed) and brought:
            slow, doubted = r.slow_business(last), r.doubted()
            args = {**told(last), "since": dur(last.start[1])}
            if slow:
                self.I("host.slow_business", **slow)
            elif (doubted and doubted[-1].open) or hiccup(last) or r.silent_since() > r.pace().longest:
                self.I("business.red_at_end", **args)
            else:
                self.F("business.red_at_end", "!", **args)

    def red_again(self, inc, hiccup, certified):
        r, green = self.r, inc.T3
        for s in r.stretches:
            start = s.start[1]
            if (start > inc.T5[1] and start > inc.rolled_back[1] and start < r.end(inc) and r.sure(s)
                    and (start - max(green[0], inc.T5[0]) >= r.stable or certified(inc, start))):
                slow, args = r.slow_business(s), {**told(s), "incident": str(inc.number), "at": dur(start)}
                if slow:
                    self.I("host.slow_business", **slow)
                elif hiccup(s):
                    self.I("business.red_again", **args)
                else:
                    self.F("business.red_again", "!", **args)
                    return
            green = s.to

    # 7.14
    def phases(self):
        explained = any(x["status"] not in ("", "passed") for x in self.reasons)
        for p in self.r.phases:
            if p.name in ("cleanup", "seal"):
                continue
            if p.open and self.r.completed:
                self.I("phase.unfinished", phase=p.name)
            elif p.outcome == "failed" and not p.open and not explained:
                self.I("phase.failed", phase=p.name, error=p.error)

    # 7.15
    def cleanup(self):
        r = self.r
        if r.left:
            names = [n for d in r.left for n in ([d.name] if d.name else []) + d.left]
            fixes = dict.fromkeys(d.fix for d in r.left if d.fix)
            self.add("", "cleanup.incomplete", count=str(max(1, len(names))), left=", ".join(names), fix="; ".join(fixes))
        elif not r.proved and not r.kept and r.completed:
            self.I("cleanup.unproved", why=r.unproved)

    # 7.16
    def notes(self):
        r = self.r
        if r.torn:
            self.O("journal.torn", lines=str(r.torn))
        if self.h.clock_state == "not synchronised":
            self.O("clock.unsynchronised", state=self.h.clock_state)
        limit = next((o.limit_ns for o in self.h.objectives if o.name == "restored"), None)
        for x in r.restores:
            took = x.ended_ns - x.started_ns
            if x.during != "rollback" or not x.digest or x.bytes <= 0 or took <= 0 or went_wrong(x):
                continue
            args = dict(backup=x.backup, bytes=str(x.bytes), took=dur(took), rate=str(int(x.bytes / sec(took))), needed="")
            inc = next((i for i in r.incidents if i.number == x.subject.incident and i.T0), None)
            total = None
            if limit is not None and inc:
                total = between(inc.T0, inc.T7)[1] if inc.T7 else r.observed - inc.T0[0]
                budget = limit - (total - took)
                args["needed"] = str(int(x.bytes / sec(budget))) if budget > 0 else ""
            self.O("restore.throughput", **args)
            if total is not None and total > limit and args["needed"]:
                self.find("restore.too_slow", "medium", objective="restored", **args)

    # 7.17
    def not_asked(self):
        if self.has("upgrade.stopped", "upgrade.failed", "boot.failed", "prepare.failed", "flow.blind", "flow.blind_errors", "fault.red_before"):
            taken = ("pulse.missing", "incident.missing", "check.missing", "objective.not_measured")
            self.reasons = [x for x in self.reasons if x["id"] not in taken]

    # ---- 8 objectives

    def rule_objectives(self):
        limits = {}
        for o in self.h.objectives:
            limits.setdefault(o.name, []).append(o.limit_ns)
        known = {"start_rollback": self.start_rollback, "business_back": self.business_back, "restored": self.restored,
                 "outage": self.measure_outage, "detect": self.detect, "decide": self.decide, "act": self.act, "boot": self.boot,
                 "data_loss": self.data_loss, "age": self.age}
        for name, measure in known.items():
            if measure in (self.start_rollback, self.business_back, self.restored, self.detect, self.decide, self.act):
                measures = self.of_incidents(measure)
            else:
                measures = measure()
            for limit in limits.get(name, []):
                self.objective(name, limit, measures)
            if name not in limits:
                self.without_limit(name, measures)
        for name in limits:
            for limit in limits[name] if name not in known else []:
                self.objective(name, limit, [nothing("unmeasured.unknown_objective", objective=name)])

    def of_incidents(self, measure):
        if self.h.trigger == "none":
            return [not_asked("not_applicable.check_run")]
        measures, basis = [], self.r.basis()
        for inc in self.r.incidents:
            m = measure(inc)
            m.scope = f"incident {inc.number}"
            if basis != "measured":
                m.basis = basis
                if basis == "emulated" and m.kind == "span" and not m.note:
                    m.note = note_of("basis.emulated")
            measures.append(m)
        return measures

    def span(self, a, b):
        if not a:
            return nothing("unmeasured.no_effect", basis="measured")
        if not b:
            return lasted(a, self.r.observed)
        lower, upper = between(a, b)
        return measure("span", lower, upper, basis="measured", ran=[(a[0], b[1])])

    def witness(self):
        p = self.r.pulse
        if not p:
            return nothing("pulse.missing")
        if not p.open and p.totals.good + p.totals.bad == 0:
            return nothing("pulse.empty")
        return None

    def start_rollback(self, inc):
        if stays(inc):
            return not_asked("not_applicable.no_rollback", decision=inc.decision.outcome)
        return for_people(self.span(inc.T0, inc.T3), inc)

    def detect(self, inc):
        if inc.trigger == "order" and not inc.T1:
            return not_asked("not_applicable.order")
        return self.span(inc.T0, inc.T1)

    def decide(self, inc):
        start = inc.T1 or (inc.T0 if inc.trigger == "order" else None)
        return for_people(self.span(start, inc.T2) if start else nothing("unmeasured.not_reached", basis="measured"), inc)

    def act(self, inc):
        if stays(inc):
            return not_asked("not_applicable.no_rollback", decision=inc.decision.outcome)
        if not inc.T2 and inc.T3 and inc.trigger == "order":
            return not_asked("not_applicable.order")
        return self.span(inc.T2, inc.T3) if inc.T2 else nothing("unmeasured.not_reached", basis="measured")

    def not_back_by(self, inc):
        e = min(self.r.end(inc), self.r.observed)
        if not inc.T3 or (not inc.T5 and self.r.red_at_end(inc)):
            return e
        n = inc.T3[0]
        for s in self.r.stretches:
            if s.start[1] <= e:
                n = max(n, e if s.open or s.to[0] > e else s.to[0])
        return n

    def moved(self, m, inc, until):
        if not inc.T3 or not inc.T5:
            return
        back, by = inc.T5[1], ""
        for s in self.r.stretches:
            if inc.T5[1] < s.start[1] <= until:
                slow = self.r.slow_business(s)
                back, by = (back, slow["by"]) if slow else (s.to[1], "")
        if by:
            m.moved = (max(0, until - back), by)

    def business_back(self, inc):
        r = self.r
        if stays(inc):
            return not_asked("not_applicable.no_rollback", decision=inc.decision.outcome)
        unseen = self.witness()
        if unseen:
            return unseen
        if not inc.T0 or inc.T6:
            m = decided(self.span(inc.T0, inc.T6), inc)
            if inc.T6:
                self.moved(m, inc, inc.T6[1])
            return m
        n = self.not_back_by(inc)
        m = lasted(inc.T0, n)
        self.moved(m, inc, n)
        if not r.red_at_end(inc) and m.lower < r.observed:
            m.note = note_of("unmeasured.not_stable", stable_for=dur(r.stable))
        return m

    def restored(self, inc):
        r = self.r
        if stays(inc):
            return not_asked("not_applicable.no_rollback", decision=inc.decision.outcome)
        unseen = self.witness()
        if unseen:
            return unseen
        if not inc.T0 or inc.T7:
            m = decided(self.span(inc.T0, inc.T7), inc)
            m.verifying = sum(x.verifying_ns for x in r.restores if x.subject.incident == inc.number and x.during == "rollback")
            if inc.T6:
                self.moved(m, inc, inc.T6[1])
            return m
        failed_after = inc.T3 and any(
            c.when == "after" and c.status == "failed" and not r.excuse(c.overdue) and c.ended_ns >= inc.T3[0]
            and (c.incident == inc.number or not r.verified(inc)) for c in r.checks)
        if inc.rollback != "done" or failed_after:
            return lasted(inc.T0, r.observed)
        if not inc.T6:
            n = self.not_back_by(inc)
            m = lasted(inc.T0, n)
            self.moved(m, inc, n)
            return m
        m = lasted(inc.T0, inc.T6[0])
        m.note = note_of("unmeasured.not_verified")
        return m

    def measure_outage(self):
        r = self.r
        if self.h.trigger == "none":
            return [not_asked("not_applicable.check_run")]
        unseen = self.witness()
        if unseen:
            return [unseen]
        start = r.window.start if r.window else exact(r.incidents[0].begin) if r.incidents else None
        if not start:
            return [nothing("unmeasured.no_effect")]
        lower = upper = longest = count = planned = 0
        is_open, broke, doubted, ran = r.pulse.open, r.broke(), r.doubted(), []
        for s in r.stretches:
            if not s.open and s.to[1] <= start[0]:
                continue
            begin, until = (max(s.start[0], start[0]), max(s.start[1], start[1])), s.to
            if s.open:
                is_open, until = True, (min(until[0], broke), until[1])
            one = between(begin, until)
            lower += max(0, one[0] - sum(max(0, min(until[0], w.to[1]) - max(begin[1], w.start[0])) for w in doubted))
            upper, longest, count = upper + one[1], max(longest, one[1]), count + 1
            planned += one[1] if s.planned else 0
            ran.append((begin[0], until[1]))
        for x in r.pulse.rests:
            inside = any(s.start[0] <= x.start[0] and (s.open or s.to[1] >= x.to[1]) for s in r.stretches)
            if not x.seen and x.to[1] > start[0] and not inside:
                upper += max(0, x.to[1] - max(x.start[0], start[0]))
        self.outage = {"sum": {"lower_ns": lower, "upper_ns": upper}, "longest_ns": longest, "count": count, "planned_ns": planned}
        self.outage.update({"open": True} if is_open else {})
        return [measure("least" if is_open else "span", lower, upper, basis=r.basis(), ran=ran)]

    def boot(self):
        r, measures = self.r, []
        for b in r.boots:
            name, d = b.subject.instance, b.ready_ns - b.started_ns
            if b.unseen or d < 0:
                m = nothing("unmeasured.unseen_boot" if b.unseen else "unmeasured.no_boot", instance=name)
            else:
                m = measure("span", d, d, basis="measured" if b.basis in ("", "simulated") else b.basis, ran=[(b.started_ns, b.ready_ns)])
                m.note = note_of("basis.emulated") if m.basis == "emulated" else None
                m.verifying = sum(x.verifying_ns for x in r.restores if x.subject.instance == name
                                  and x.started_ns >= b.started_ns and x.ended_ns <= b.ready_ns)
            m.scope = name
            measures.append(m)
        for i in self.h.instances:
            if not any(b.subject.instance == i.name for b in r.boots):
                measures.append(nothing("unmeasured.no_boot", scope=i.name, instance=i.name))
        return measures or [nothing("unmeasured.no_boot", instance="")]

    def data_loss(self):
        r = self.r
        if self.h.reference is not None:
            moments = [exact(self.h.reference - self.started())]
        elif self.h.trigger == "none":
            moments = [exact(0)]
        else:
            if len(r.incidents) == 1 and stays(r.incidents[0]):
                return [not_asked("not_applicable.no_rollback", decision=r.incidents[0].decision.outcome)]
            moments = [i.T0 for i in r.incidents if i.T0 and not stays(i)]
        if not moments:
            return [nothing("unmeasured.no_effect")]
        return self.of_points(lambda p: [tuple(self.started() - p.consistent_to + t for t in m) for m in moments])

    def age(self):
        return self.of_points(lambda p: [exact(p.age_ns or self.started() - p.consistent_to)])

    def started(self):
        return ZERO_WALL if self.h.started is None else self.h.started

    def of_points(self, spans):
        measures = []
        for p in self.r.points:
            if p.consistent_to is None:
                if p.loaded:
                    measures.append(nothing("unmeasured.no_consistency_time", scope=p.backup))
                continue
            for lower, upper in spans(p):
                if lower < 0:
                    measures.append(nothing("unmeasured.consistent_after", basis="measured", scope=p.backup, backup=p.backup))
                else:
                    measures.append(measure("span", lower, upper, basis="measured", scope=p.backup))
        return measures or [nothing("unmeasured.no_consistency_time")]

    def hold(self, name, limit, m):
        """The result of one measure held against a limit, and its reason or None."""
        status, id, more, note = "inconclusive", "", {}, m.note
        least = {"at_least": dur(m.lower)}
        upper = {"measured": dur(m.upper)}
        if m.kind == "not asked":
            status = "not-run"
        elif m.kind == "least":
            if m.lower <= limit:
                id, more = "objective.unfinished", least
            elif m.basis in ("emulated", "projected"):
                id = "objective.emulated_missed" if m.basis == "emulated" else "objective.projected"
                more = {"measured": dur(m.lower)}
            else:
                status, id, more = "failed", "objective.not_recovered", least
        elif m.kind == "nothing":
            id = "objective.not_measured"
        elif m.basis == "projected":
            id, more = "objective.projected", upper
        elif m.upper <= limit:
            status = "passed"
            if m.for_people:
                note = note_of("basis.time_for_people", left=dur(limit - m.upper))
        elif m.lower <= limit:
            id, more = "objective.across", {"lower": dur(m.lower), "upper": dur(m.upper)}
        elif m.basis == "emulated":
            id, more = "objective.emulated_missed", upper
        else:
            status, id, more = "failed", "objective.missed", {**upper, "over": dur(m.upper - limit)}
        scope = {} if id == "objective.not_measured" else {"scope": m.scope}
        reason = {"id": id, "args": {"objective": name, "limit": dur(limit), **scope, **more}, "status": status} if id else None
        if status == "failed" and m.ran:
            slow = self.slow_objective(limit, m)
            if slow:
                args = {"objective": name, "limit": dur(limit), "scope": m.scope, **slow}
                status, reason = "inconclusive", {"id": "host.slow_objective", "args": args, "status": "inconclusive"}
                note = None
        if status != "passed" and not note and reason and reason["id"] not in ("objective.missed", "objective.not_measured"):
            note = note_of(reason["id"], **reason["args"])
        result = {"name": name, "limit_ns": limit, "status": status, "basis": m.basis, "scope": m.scope, "note": note}
        if m.verifying:
            result["verifying_ns"] = m.verifying
        if m.kind in ("least", "span"):
            result["lower_ns"] = m.lower
        if m.kind == "span":
            result.update(measured_ns=m.upper, upper_ns=m.upper, margin_ns=limit - m.upper)
        return result, reason

    def slow_objective(self, limit, m):
        held = dict.fromkeys(("cpu", "memory", "io", "late", "trip", "k6"), 0)
        for start, to in m.ran:
            for name, x in self.r.held_up(start, to).items():
                held[name] = held[name] + x if name in ("cpu", "memory", "io") else max(held[name], x)
        x = m.upper if m.kind == "span" else m.lower
        most, by = most_of(held)
        if m.moved[0] > most:
            most, by = m.moved
        over = x - limit
        return {"measured": dur(x), "over": dur(over), "held": dur(most), "by": by} if most > 0 and most >= over else None

    def objective(self, name, limit, measures):
        order = {"failed": 3, "inconclusive": 2, "passed": 1, "not-run": 0}
        results = [self.hold(name, limit, m) for m in measures or [nothing("unmeasured.no_effect")]]
        result, reason = max(results, key=lambda x: (order[x[0]["status"]], x[0].get("upper_ns", x[0].get("lower_ns", -1))))
        self.objectives.append(result)
        self.held += result["status"] == "passed"
        if result["status"] == "failed":
            self.find(reason["id"], "high", **reason["args"])
        if result["status"] in ("failed", "inconclusive"):
            self.add(reason["status"], reason["id"], **reason["args"])
            if "measured_ns" not in result:
                note = result["note"] or note_of(reason["id"], **reason["args"])
                if note not in self.unmeasured:
                    self.unmeasured.append(note)

    def without_limit(self, name, measures):
        spans = [m for m in measures if m.kind == "span"]
        if not spans:
            return
        m = max(spans, key=lambda m: m.upper)
        result, _ = self.hold(name, m.upper, m)
        del result["margin_ns"]
        note = result["note"]
        if note and (not note["id"].startswith("basis.") or note["id"] == "basis.time_for_people"):
            result["note"] = None
        result.update(limit_ns=0, status="not-run", unlimited=True)
        self.objectives.append(result)

    # ---- 9 status and order of the reasons

    def conclude(self):
        rank = ("passed", "inconclusive", "failed")
        aborted = self.r.status == "aborted"
        self.status = max((x["status"] for x in self.reasons if x["status"] in rank), key=rank.index, default="passed")
        if self.status == "passed" and not aborted:
            self.add("passed", "passed.check_run" if self.h.trigger == "none" else "passed.all",
                     checks=str(len(self.h.checks)), objectives=str(self.held))
        if aborted:
            self.status = "aborted"
        self.reasons.sort(key=lambda x: (STATUS_ORDER.index(x["status"]), place(x["id"])))
        cause = False
        for x in self.reasons:
            x["follows"] = cause and x["status"] == "inconclusive" and x["id"] in FOLLOWERS and not self.lacks(x)
            cause = cause or (not x["follows"] and begins(x["id"], CAUSES))

    def lacks(self, x):
        if x["id"] != "objective.not_measured":
            return False
        own = {"unmeasured.consistent_after", "unmeasured.unseen_boot", "unmeasured.unknown_objective"}
        if not any(map(went_wrong, self.r.restores)):
            own.add("unmeasured.no_consistency_time")
        return any(o["name"] == x["args"]["objective"] and o["note"] and o["note"]["id"] in own for o in self.objectives)

    # ---- 10 the ladder

    def ladder(self):
        r, rungs = self.r, []
        backups = sorted({b for i in self.h.instances for b in made_of(i)} | {p.backup for p in r.points if p.backup})

        def rung(name, failed, unasked, plain=False):
            state = "failed" if failed else "unasked" if unasked or plain else "reached"
            rungs.append({"rung": name, "state": state, "of": sorted(set(failed or unasked))})

        def of_boot(x):
            return x.backup_bad and not x.digest and not x.kind and any(
                y.backup == x.backup and y.subject.instance == x.subject.instance and y.digest and not went_wrong(y) and y.ended_ns <= x.ended_ns
                for y in r.restores)

        def restores(backup, *conditions):
            return [x for x in r.restores if x.backup == backup and not of_boot(x) and all(c(x) for c in conditions)]
        none = [] if backups else [""]
        limit_reasons = [x for x in self.reasons if x["id"].startswith("limit.")]
        ages = [o["status"] for o in self.objectives if o["name"] == "age" and not o.get("unlimited")]
        rung("found", [x.backup for x in r.restores if x.missing and x.backup_bad]
             + [x["args"]["backup"] for x in limit_reasons if x["status"] == "failed"] + ["age" for s in ages if s == "failed"],
             none + [b for b in backups if not any(p.backup == b for p in r.points)]
             + [x.backup for x in r.restores if x.missing and not x.backup_bad]
             + [x["args"]["backup"] for x in limit_reasons if x["status"] != "failed"] + ["age" for s in ages if s not in ("failed", "passed")])
        rung("read", [b for b in backups if restores(b, lambda x: x.backup_bad and (x.kind or not x.digest))]
             + [p.backup for p in r.points if p.promise and p.promise.algorithm == "sha256" and p.digest and p.digest != promised(p)],
             none + [b for b in backups if not restores(b, lambda x: x.digest and not x.unread)] + [p.backup for p in r.points if p.doubt])
        rung("restored", [b for b in backups if restores(b, lambda x: x.backup_bad)],
             none + [b for b in backups if restores(b, lambda x: went_wrong(x) and not x.backup_bad) or not restores(b, lambda x: not went_wrong(x) and not x.part)])
        for name, layer in zip(("started", "served", "content", "business"), LAYERS):
            failed, unasked, planned = self.layer(layer)
            if name == "started":
                booted = {b.subject.instance for b in r.boots}
                unasked += none + [i.name for i in self.h.instances if i.backup and i.name not in booted]
                unasked += [b.subject.instance for b in r.boots_failed]
                failed = failed + [x.backup for x in r.restores if of_boot(x)]
            rung(name, failed, unasked, plain=name != "started" and not planned)
        if self.h.up_to == "read":
            for x in rungs[2:]:
                x.update(state="unasked", of=[])
        highest = next((i for i, x in enumerate(rungs) if x["state"] != "reached"), len(rungs)) - 1
        return rungs, highest

    def layer(self, layer):
        planned = [c for c in self.h.checks if c.layer == layer]
        failed, unasked, recorded = [], [], []
        for c in planned:
            last = next((x for x in reversed(self.r.checks) if same(x, c, "name", "layer")), None)
            if last and last.status == "failed" and not last.overdue:
                failed.append(c.name)
            elif not last or last.status != "passed":
                unasked.append(c.name)
            else:
                recorded += [c.name] if last.recorded else []
        if planned and len(recorded) == len(planned):
            unasked = recorded
        return failed, unasked, planned

    # ---- 11 exit status, 12 output

    def exit(self):
        if self.r.left:
            return 4
        if self.r.abort:
            return 130
        return {"failed": 1, "passed": 0}.get(self.status, 3)

    def output(self):
        ladder, highest = self.ladder()
        return {
            "status": self.status, "reasons": [bare(x) for x in self.reasons], "objectives": [bare(x) for x in self.objectives],
            "exit": self.exit(), "ladder": [bare(x) for x in ladder], "highest": highest,
            **{k: v for k, v in {
                "findings": [bare(x) for x in self.findings], "observations": [bare(x) for x in self.observations],
                "unmeasured": [bare(x) for x in self.unmeasured], "excluded": self.excluded, "weak": [bare(x) for x in self.weak],
                "outage": self.outage}.items() if v}}


def note_of(id, /, **args):
    return {"id": id, "args": args}


def measure(kind, lower=0, upper=0, basis="", scope="", note=None, ran=()):
    return Bag(kind=kind, lower=lower, upper=upper, basis=basis, scope=scope, note=note, ran=list(ran), verifying=0, for_people=False, moved=(0, ""))


def lasted(a, t):
    return measure("least", max(0, t - a[1]), basis="measured", ran=[(a[1], t)])


def nothing(id, /, basis="", scope="", **args):
    return measure("nothing", basis=basis, scope=scope, note=note_of(id, **args))


def not_asked(id, /, **args):
    return measure("not asked", note=note_of(id, **args))


def for_people(m, inc):
    if inc.decision and inc.decision.by == "simulated":
        m.basis, m.for_people = "simulated", True
    return m


def decided(m, inc):
    if m.kind == "span" and not m.note and inc.decision and inc.decision.by == "simulated" and inc.T1 and inc.T2:
        m.note = note_of("basis.simulated_decision", took=dur(between(inc.T1, inc.T2)[1]))
    return m


STATUS_ORDER = ("aborted", "failed", "inconclusive", "passed", "")
PLACES = """aborted. clock. harness. run. isolation. flow. backup. host.slow_boot digest. restore_point. limit. skew. check.failed_before baseline.
    pulse. upgrade. boot. prepare. fault.red_before fault.no_effect fault.unconfirmed fault.unseen detect. incident. rollback.failed
    host.slow_rollback rollback. fault. business.red_at_end check.failed business. host.slow_business host.slow_check check. reach.
    objective.missed objective.not_recovered host. objective. checks. layer. phase. read. incident.missing check.missing objective.not_measured
    cleanup.""".split()
FOLLOWERS = """check.missing objective.not_measured objective.unfinished incident.missing incident.undecided pulse.missing pulse.empty
    rollback.unfinished phase.unfinished baseline.unknown limit.unmeasured""".split()
CAUSES = """aborted.by run.crashed harness.broke upgrade.stopped upgrade.failed flow.blind flow.blind_errors fault.red_before fault.no_effect
    backup. boot. prepare. host.slow_boot check.failed_before baseline.red baseline.unknown host.slow_business detect.silent
    incident.undecided rollback.failed rollback.unknown host.slow_rollback business.red_at_end pulse.broken""".split()


def begins(id, names):
    return any(id == n or (n.endswith(".") and id.startswith(n)) for n in names)


def place(id):
    if id in PLACES:
        return PLACES.index(id)
    return next((i for i, n in enumerate(PLACES) if n.endswith(".") and id.startswith(n)), len(PLACES))


def bare(x):
    """An object without what the vectors leave out; args stay whole."""
    out = {}
    for k, v in x.items():
        v = bare(v) if k == "note" and v else v
        if v not in ("", None, {}, []) and v is not False:
            out[k] = v
    return out


def judge(raw):
    try:
        return Verdict(Record(read_events(raw))).output()
    except Refused as refused:
        return {"refused": refused.where}


# ---- the program

def differences(ours, theirs, path=""):
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for k in sorted(set(ours) | set(theirs)):
            yield from differences(ours.get(k), theirs.get(k), f"{path}.{k}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for i, (a, b) in enumerate(zip(ours, theirs)):
            yield from differences(a, b, f"{path}[{i}]")
    elif type(ours) is not type(theirs) or ours != theirs:
        yield f"{path}: judge.py says {json.dumps(ours, ensure_ascii=False)}, the vector {json.dumps(theirs, ensure_ascii=False)}"


def check(folder):
    journals, agree = sorted(glob.glob(os.path.join(folder, "*.ndjson"))), 0
    for path in journals:
        name = os.path.basename(path).removesuffix(".ndjson")
        with open(path, "rb") as f:
            ours = judge(f.read())
        with open(path.removesuffix(".ndjson") + ".verdict.json", encoding="utf-8") as f:
            theirs = json.load(f)
        found = list(differences(ours, theirs))
        agree += not found
        for line in found:
            print(name + line)
    print(f"{len(journals)} journals, {agree} agree")
    return 0 if agree == len(journals) and journals else 1


def main(args):
    if len(args) == 2 and args[0] == "--check":
        return check(args[1])
    if len(args) != 1 or args[0].startswith("-"):
        print(__doc__.strip(), file=sys.stderr)
        return 2
    with open(args[0], "rb") as f:
        json.dump(judge(f.read()), sys.stdout, ensure_ascii=False, indent=2)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
