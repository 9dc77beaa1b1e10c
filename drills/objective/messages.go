package objective

// Use says where a message of the catalogue appears.
type Use string

// The places in which the judge uses a message.
const (
	UseReason      Use = "reason"      // Verdict.Reasons
	UseFinding     Use = "finding"     // Verdict.Findings
	UseNote        Use = "note"        // Judged.Note and Verdict.Unmeasured
	UseObservation Use = "observation" // Verdict.Observations
	UseWeak        Use = "weak"        // Verdict.Weak
)

// Message is one sentence that the judge can say: its id and the names of its
// arguments. The wording lives in reports/messages, one entry for each id and
// language. Arguments are always all present; those that do not apply are "".
// Lengths of time are Go durations ("1m30s"), sizes are bytes as decimal digits.
type Message struct {
	ID   string
	Args []string
	Uses []Use
}

// Messages lists every id that Judge can produce. Ids are stable: records that
// were sealed years ago are rendered with them.
var Messages = []Message{
	// What decides a verdict.
	{"passed.all", []string{"checks", "objectives"}, []Use{UseReason}},
	{"passed.check_run", []string{"checks", "objectives"}, []Use{UseReason}},
	{"objective.missed", []string{"objective", "limit", "measured", "over", "scope"}, []Use{UseReason, UseFinding}},
	{"objective.not_recovered", []string{"objective", "limit", "at_least", "scope"}, []Use{UseReason, UseFinding,
		UseNote}},
	{"objective.unfinished", []string{"objective", "limit", "at_least", "scope"}, []Use{UseReason, UseNote}},
	{"objective.across", []string{"objective", "limit", "lower", "upper", "scope"}, []Use{UseReason, UseNote}},
	{"objective.not_measured", []string{"objective", "limit"}, []Use{UseReason}},
	{"objective.emulated_missed", []string{"objective", "limit", "measured", "scope"}, []Use{UseReason, UseNote}},
	{"objective.projected", []string{"objective", "limit", "measured", "scope"}, []Use{UseReason, UseNote}},
	{"check.failed", []string{"check", "layer", "message", "backup"}, []Use{UseReason, UseFinding}},
	{"check.failed_before", []string{"check", "layer", "message", "backup"}, []Use{UseReason, UseFinding}},
	{"check.skipped", []string{"check", "layer", "message"}, []Use{UseReason}},
	{"check.crashed", []string{"check", "layer", "message"}, []Use{UseReason}},
	{"check.unreadable", []string{"check", "layer", "result"}, []Use{UseReason}},
	{"check.missing", []string{"check", "layer"}, []Use{UseReason}},
	{"checks.none", nil, []Use{UseReason}},
	{"layer.unchecked", []string{"layer"}, []Use{UseReason}},
	{"fault.no_effect", []string{"fault", "on", "incident", "why"}, []Use{UseReason}},
	{"fault.unconfirmed", []string{"fault", "on", "incident", "why"}, []Use{UseReason}},
	{"fault.unseen", []string{"incident"}, []Use{UseReason}},
	{"fault.red_before", []string{"incident"}, []Use{UseReason, UseObservation}},
	{"fault.remains", []string{"fault", "on", "incident", "why"}, []Use{UseReason, UseFinding}},
	{"fault.left", []string{"fault", "on", "incident", "why"}, []Use{UseReason}},
	{"fault.unclaimed", []string{"fault", "on", "incident", "why"}, []Use{UseReason}},
	{"fault.unasked", []string{"fault", "on", "incident", "why"}, []Use{UseReason}},
	{"rollback.in_green", []string{"incident", "since", "before"}, []Use{UseReason}},
	{"rollback.changed_nothing", []string{"incident"}, []Use{UseObservation}},
	{"flow.blind", []string{"flows"}, []Use{UseReason, UseObservation}},
	{"flow.blind_errors", []string{"flows"}, []Use{UseReason, UseObservation}},
	{"flow.crowded", []string{"pace", "why"}, []Use{UseReason, UseObservation}},
	{"flow.never_green", []string{"flow", "incident"}, []Use{UseReason}},
	{"flow.unasked", []string{"flow", "unasked"}, []Use{UseReason}},
	{"flow.late", []string{"bad", "all", "timeout", "request", "why"}, []Use{UseReason}},
	{"reach.none", []string{"instance", "backup"}, []Use{UseReason}},
	{"reach.elsewhere", []string{"flows"}, []Use{UseReason}},
	{"reach.not_again", []string{"instance", "backup"}, []Use{UseReason}},
	{"reach.elsewhere_since", []string{"flows"}, []Use{UseReason}},
	{"upgrade.stopped", []string{"instance", "running", "next", "modules", "why"}, []Use{UseReason}},
	{"incident.missing", []string{"incident"}, []Use{UseReason}},
	{"detect.in_green", []string{"rule", "incident"}, []Use{UseReason, UseObservation}},
	{"detect.silent", []string{"rule", "within", "incident"}, []Use{UseReason}},
	{"incident.undecided", []string{"incident"}, []Use{UseReason}},
	{"backup.bad", []string{"backup", "point", "why", "instance"}, []Use{UseReason, UseFinding}},
	{"backup.misfit", []string{"backup", "point", "what", "has", "wants"}, []Use{UseReason, UseFinding}},
	{"backup.missing", []string{"backup", "name", "why", "more", "newest", "limit"}, []Use{UseReason, UseFinding}},
	{"backup.unasked", []string{"backup", "why"}, []Use{UseReason, UseFinding}},
	{"backup.none", []string{"backup"}, []Use{UseReason, UseFinding}},
	{"backup.no_backup", []string{"backup", "point", "kind", "said"}, []Use{UseReason, UseFinding}},
	{"backup.packed", []string{"backup", "point", "kind", "why", "command"}, []Use{UseReason, UseFinding}},
	{"backup.misplaced", []string{"backup", "point", "kind"}, []Use{UseReason, UseFinding}},
	{"backup.image_lacks", []string{"backup", "what", "instance"}, []Use{UseReason, UseFinding}},
	{"backup.lack", []string{"backup", "lack", "what", "instance"}, []Use{UseReason, UseFinding}},
	{"boot.failed", []string{"instance", "backup", "point", "image", "why", "met", "sought", "unknown"}, []Use{UseReason,
		UseFinding}},
	{"prepare.failed", []string{"step", "error"}, []Use{UseReason}},
	{"upgrade.failed", []string{"step", "error"}, []Use{UseReason}},
	{"backup.contradicts", []string{"backup", "point", "declared", "source", "made", "zone"}, []Use{UseReason,
		UseFinding}},
	{"restore_point.after_dump", []string{"backup", "point", "declared", "source", "made", "zone"}, []Use{UseReason}},
	{"restore_point.before_dump", []string{"backup", "point", "declared", "source", "made", "zone"}, []Use{UseReason}},
	{"restore_point.changed", []string{"backup", "point", "first", "then"}, []Use{UseReason}},
	{"backup.unrestored", []string{"backup", "instance"}, []Use{UseReason}},
	{"read.only", nil, []Use{UseReason}},
	{"skew.exceeded", []string{"older", "newer", "skew", "limit"}, []Use{UseReason, UseFinding}},
	{"skew.unmeasured", []string{"backup"}, []Use{UseReason}},
	{"skew.alone", nil, []Use{UseReason}},
	{"skew.known", []string{"older", "newer", "skew"}, []Use{UseObservation}},
	{"limit.small", []string{"backup", "point", "size", "min_size"}, []Use{UseReason, UseFinding}},
	{"limit.shrunk", []string{"backup", "point", "size", "usual", "count", "shrink"}, []Use{UseReason, UseFinding}},
	{"limit.few", []string{"backup", "count", "keep"}, []Use{UseReason, UseFinding}},
	{"limit.no_old", []string{"backup", "age", "limit"}, []Use{UseReason, UseFinding}},
	{"limit.unsized", []string{"backup", "point"}, []Use{UseReason}},
	{"limit.unlisted", []string{"backup"}, []Use{UseReason}},
	{"limit.unmeasured", []string{"backup"}, []Use{UseReason}},
	{"limit.no_size_before", []string{"backup"}, []Use{UseObservation}},
	{"digest.doubtful", []string{"backup", "point", "why"}, []Use{UseReason}},
	{"baseline.red", []string{"backup", "why"}, []Use{UseReason, UseFinding}},
	{"baseline.unknown", []string{"why"}, []Use{UseReason}},
	{"rollback.failed", []string{"incident", "error"}, []Use{UseReason, UseFinding}},
	{"rollback.unknown", []string{"incident", "error"}, []Use{UseReason}},
	{"rollback.unfinished", []string{"incident"}, []Use{UseReason}},
	{"business.red_again", []string{"incident", "at", "why", "last", "checks"}, []Use{UseReason, UseFinding}},
	{"business.unstable", []string{"incident", "lasted", "stable_for"}, []Use{UseReason}},
	{"business.red_at_end", []string{"since", "why", "last", "checks"}, []Use{UseReason, UseFinding}},
	{"pulse.missing", nil, []Use{UseReason, UseNote}},
	{"pulse.empty", nil, []Use{UseReason, UseNote}},
	{"pulse.broken", []string{"why", "at"}, []Use{UseReason, UseNote}},
	{"pulse.degraded", []string{"good", "bad", "unproven", "dropped", "share"}, []Use{UseReason}},
	{"pulse.silent", []string{"silence", "longest"}, []Use{UseReason}},
	{"pulse.sparse", []string{"seen", "expected"}, []Use{UseReason}},
	{"isolation.leak", []string{"instance", "target", "address", "protocol"}, []Use{UseReason, UseFinding}},
	{"isolation.unproved", []string{"instance"}, []Use{UseReason}},
	{"clock.jumped", []string{"from", "to", "counted", "boot", "wall"}, []Use{UseReason}},
	{"harness.broke", []string{"phase", "error"}, []Use{UseReason}},
	{"host.slow_boot", []string{"instance", "backup", "why", "limit", "over", "held", "by"}, []Use{UseReason}},
	{"host.slow_rollback", []string{"incident", "error", "limit", "over", "held", "by"}, []Use{UseReason}},
	{"host.slow_check", []string{"check", "layer", "message", "limit", "over", "held", "by"}, []Use{UseReason}},
	{"host.slow_business", []string{"at", "why", "limit", "over", "held", "by"}, []Use{UseReason}},
	{"host.slow_objective", []string{"objective", "scope", "limit", "measured", "over", "held", "by"}, []Use{UseReason,
		UseNote}},
	{"phase.failed", []string{"phase", "error"}, []Use{UseReason}},
	{"phase.unfinished", []string{"phase"}, []Use{UseReason}},
	{"run.crashed", []string{"at"}, []Use{UseReason}},
	{"aborted.by", []string{"by", "why"}, []Use{UseReason}},
	{"cleanup.incomplete", []string{"count", "left", "fix"}, []Use{UseReason}},
	{"cleanup.unproved", []string{"why"}, []Use{UseReason}},

	// Findings of their own.
	{"egress.unexpected", []string{"instance", "target", "host", "protocol", "count"}, []Use{UseFinding}},
	{"egress.unexpected_many", []string{"instance", "targets", "examples", "protocol", "count"}, []Use{UseFinding}},
	{"restore.too_slow", []string{"backup", "objective", "bytes", "took", "rate", "needed"}, []Use{UseFinding}},

	// Why an objective has no figure, or what its figure is worth.
	{"unmeasured.no_effect", nil, []Use{UseNote}},
	{"unmeasured.not_reached", nil, []Use{UseNote}},
	{"unmeasured.no_consistency_time", nil, []Use{UseNote}},
	{"unmeasured.consistent_after", []string{"backup"}, []Use{UseNote}},
	{"unmeasured.no_boot", []string{"instance"}, []Use{UseNote}},
	{"unmeasured.unseen_boot", []string{"instance"}, []Use{UseNote}},
	{"unmeasured.not_stable", []string{"stable_for"}, []Use{UseNote}},
	{"unmeasured.not_verified", nil, []Use{UseNote}},
	{"unmeasured.unknown_objective", []string{"objective"}, []Use{UseNote}},
	{"not_applicable.check_run", nil, []Use{UseNote}},
	{"not_applicable.order", nil, []Use{UseNote}},
	{"not_applicable.no_rollback", []string{"decision"}, []Use{UseNote}},
	{"basis.time_for_people", []string{"left"}, []Use{UseNote}},
	{"basis.simulated_decision", []string{"took"}, []Use{UseNote}},
	{"basis.emulated", nil, []Use{UseNote}},

	// What weakens the proof, beside the verdict.
	{"flow.hollow", []string{"flows"}, []Use{UseWeak, UseObservation}},
	{"flow.uncontrolled", []string{"flows"}, []Use{UseWeak, UseObservation}},
	{"flow.uncontrolled_errors", []string{"flows"}, []Use{UseWeak, UseObservation}},
	{"boot.hidden", []string{"instance", "generation", "folder", "files", "more"}, []Use{UseWeak, UseObservation}},
	{"store.check_failed", []string{"backup", "tool", "how", "said"}, []Use{UseWeak, UseObservation}},
	{"store.unchecked", []string{"backup", "why"}, []Use{UseWeak, UseObservation}},
	{"reach.unmeasured", []string{"why"}, []Use{UseWeak}},
	{"fault.stands", []string{"fault", "on", "incident", "why"}, []Use{UseWeak}},
	{"fault.stands_unasked", []string{"fault", "on", "incident", "why"}, []Use{UseWeak}},

	// Worth reading, changes no verdict.
	{"reach.untouched", []string{"instance"}, []Use{UseObservation}},
	{"digest.unverified", []string{"backup"}, []Use{UseObservation}},
	{"digest.weak", []string{"backup", "algorithm"}, []Use{UseObservation}},
	{"digest.unread", []string{"backup"}, []Use{UseObservation}},
	{"egress.expected", []string{"instance", "target", "host", "protocol", "count"}, []Use{UseObservation}},
	{"egress.expected_many", []string{"instance", "targets", "examples", "protocol", "count"}, []Use{UseObservation}},
	{"restore.throughput", []string{"backup", "bytes", "took", "rate", "needed"}, []Use{UseObservation}},
	{"journal.torn", []string{"lines"}, []Use{UseObservation}},
	{"clock.unsynchronised", []string{"state"}, []Use{UseObservation}},
}
