package reports

import (
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"lifeboat/drills/record"
)

// walkSource parses the source below a folder, tests apart.
func walkSource(t *testing.T, root string, visit func(ast.Node) bool) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err == nil {
			ast.Inspect(f, visit)
		}
		return err
	}))
}

// signals are Go's words for them.
var signals = []string{os.Interrupt.String(), syscall.SIGTERM.String(), syscall.SIGHUP.String()}

// putTogether are the texts whose beginning is put before them elsewhere in the source.
var putTogether = []string{"it ", "the disk image ", ", at once", ", and in that "}

// commandsOwn are the engine's files whose errors end a command, or come once the journal is sealed: no report has them.
var commandsOwn = []string{"books.go", "decide.go", "drill.go", "history.go", "inbox.go", "marked.go", "open.go", "pick.go", "reap.go",
	"seal.go", "sweep.go", "unproved.go"}

// speakers are the folders of what observes and judges, restores, breaks and reads: whatever they put into words may stand
// in a report.
var speakers = []string{"../verifier", "../drills/restore", "../drills/store", "../drills/fault", "../drills/detect", "../drills/kernel",
	"../drills/instance/instance.go", "../drills/instance/abilities.go"}

// machinists are the files of instances that boot, seal, fill, ask and end a machine; what lies below them speaks protocols.
var machinists = map[string][]string{
	"../drills/instance/docker": {"ready", "life", "image", "machine", "sandbox", "exec", "copy", "docker", "network", "capacity"},
	"../drills/instance/qemu":   {"qemu", "machine", "drive", "snapshot", "files", "disk", "control", "agent", "ssh", "header"},
}

// unspoken are forms of speakers that no report has: words for servers, suites of conformance, problems of a scenario.
var unspoken = regexp.MustCompile(`^(\[ -e |ide-hd|scsi-hd|more%d|put%d|begin transaction|select |alter role |set session |port = |bytes=|store-|sha256:|data$|service$|system$|other bytes$|` +
	`enough rows$|the harness is broken$|negative offset|versitygw |the text is too long$|a service has no path|` +
	`more than the address|not an address$|not the http |the proxy|only a virtual machine has|slow-restore is armed|` +
	`%s is not a virtual machine;|%s needs it$|and %d older$|and %d more$| and %d more$|it is cut short$|%s \(role %s\)$)`)

// spokenForms adds every form that a speaker puts words into, and every error of its own.
func spokenForms(t *testing.T, wanted map[string]bool) {
	t.Helper()
	words := regexp.MustCompile(`[A-Za-z]{3,}`)
	roots := slices.Clone(speakers)
	for folder, files := range machinists {
		for _, name := range files {
			roots = append(roots, filepath.Join(folder, name+".go"))
		}
	}
	for _, root := range roots {
		walkSource(t, root, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			name := ""
			switch f := call.Fun.(type) {
			case *ast.Ident:
				name = f.Name
			case *ast.SelectorExpr:
				name = f.Sel.Name
			}
			switch name {
			case "Problem":
				return false
			case "Sprintf", "Errorf", "New", "doubt":
				form, ok := literal(call.Args[0])
				if ok && words.MatchString(formVerb.ReplaceAllString(form, "")) && !unspoken.MatchString(form) {
					wanted[form] = true
				}
			}
			return true
		})
	}
}

// engineErrors adds what the engine itself says of a step of its own that went wrong.
func engineErrors(t *testing.T, wanted map[string]bool) {
	t.Helper()
	for _, pattern := range []string{"../drills/*.go", "../drills/machines/*.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, path := range files {
			if strings.HasSuffix(path, "_test.go") || slices.Contains(commandsOwn, filepath.Base(path)) {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			ast.Inspect(f, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && len(call.Args) > 1 {
					if of, ok := call.Fun.(*ast.SelectorExpr); ok && of.Sel.Name == "Errorf" {
						if s, ok := literal(call.Args[0]); ok {
							wanted[s] = true
						}
					}
				}
				return true
			})
		}
	}
}

// Every text is one that lifeboat says, and what its back-ends say of a backup that is bad, or lacks something, or of a
// step is among them.
func TestEveryTextIsSaid(t *testing.T) {
	said, wanted := map[string]bool{}, map[string]bool{}
	makers := map[string]int{"bad": 0, "damage": 0, "lacks": 1, "lacksTag": 0, "NotInForce": 0}
	fields := []string{"Odd", "BackupError", "ImageError", "LackError", "stopError", "stepFailed"}
	visit := func(n ast.Node) bool {
		switch n := n.(type) {
		case ast.Expr:
			if s, ok := literal(n); ok {
				said[s] = true
			}
		}
		switch n := n.(type) {
		case *ast.CallExpr:
			name := ""
			switch f := n.Fun.(type) {
			case *ast.Ident:
				name = f.Name
			case *ast.SelectorExpr:
				name = f.Sel.Name
			}
			if i, ok := makers[name]; ok && i < len(n.Args) {
				if s, ok := literal(n.Args[i]); ok {
					wanted[s] = true
				}
			}
		case *ast.FuncDecl:
			if n.Name.Name == "String" && isStep(n.Recv) {
				ast.Inspect(n, func(in ast.Node) bool {
					if call, ok := in.(*ast.CallExpr); ok && len(call.Args) > 0 {
						if s, ok := literal(call.Args[0]); ok && strings.Contains(s, "%") {
							wanted[s] = true
						}
					}
					return true
				})
			}
		case *ast.CompositeLit:
			name := ""
			switch of := n.Type.(type) {
			case *ast.Ident:
				name = of.Name
			case *ast.SelectorExpr:
				name = of.Sel.Name
			}
			if !slices.Contains(fields, name) {
				return true
			}
			for _, e := range n.Elts {
				kv, ok := e.(*ast.KeyValueExpr)
				if !ok {
					continue
				}
				of := kv.Value
				if call, ok := of.(*ast.CallExpr); ok && len(call.Args) > 0 {
					of = call.Args[0]
				}
				if s, ok := literal(of); ok && strings.Contains(s, " ") {
					wanted[s] = true
				}
			}
		}
		return true
	}
	steps, err := filepath.Glob("../scenarios/step*.go")
	require.NoError(t, err)
	for _, root := range append(steps, "../cmd/lifeboat/kit.go", "../drills", "../internal/filekind", "../internal/tarend", "../internal/tree", "../verifier") {
		walkSource(t, root, visit)
	}
	engineErrors(t, wanted)
	spokenForms(t, wanted)
	var file catalogueFile
	raw, err := messageFiles.ReadFile("messages/zh.texts.yaml")
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(raw, &file))
	for form, text := range file.Texts {
		bare := form
		for _, part := range putTogether {
			bare = strings.TrimPrefix(strings.TrimSuffix(bare, part), part)
		}
		assert.True(t, slices.Contains(signals, form) || said[form] || said[bare] || strings.Contains(form, ", and in that "),
			"nobody says %q any more: delete it", form)
		for _, m := range phraseArg.FindAllStringSubmatch(text, -1) {
			assert.LessOrEqual(t, int(m[1][0]-'0'), recogniser(form, 3).NumSubexp(), form)
		}
	}
	require.Greater(t, len(wanted), 300)
	letters := regexp.MustCompile(`[A-Za-z]{3,}`)
	phrases := Messages().phrases[Chinese]
	for form := range wanted {
		if letters.MatchString(formVerb.ReplaceAllString(form, "")) {
			_, ok := file.Texts[form]
			assert.True(t, ok || phrases[form] != "", "write the Chinese of %q into reports/messages/zh.texts.yaml", form)
		}
	}
}

// isStep tells whether a method is one of a kind of step.
func isStep(recv *ast.FieldList) bool {
	if recv == nil {
		return false
	}
	of := recv.List[0].Type
	if p, ok := of.(*ast.StarExpr); ok {
		of = p.X
	}
	name, ok := of.(*ast.Ident)
	return ok && strings.HasSuffix(name.Name, "Step")
}

func TestTextsAreRecognised(t *testing.T) {
	c := Messages()
	for text, want := range map[string]string{
		"it is cut off after 12 files":                                                         "在第 12 个文件之后被截断",
		"layer 2, a/layer.tar, is damaged or hostile: it is empty":                             "第 2 层 a/layer.tar 已损坏或含恶意内容：内容为空",
		"a layer of the image: the gzip compression of x y is cut off":                         "镜像的一层：x y 的 gzip 压缩数据被截断",
		"start the pulse: run k6: exit 7":                                                      "启动业务探测：运行 k6：exit 7",
		"select kernel before on pos → reboot pos":                                             "为 pos 选择内核 before → 重启 pos",
		"6.1.0 → 6.12.1: no module of a third party is loaded, asked for or installed":         "6.1.0 → 6.12.1：没有加载、要求或安装第三方模块",
		"2 files, 131 packages, kernel 6.1.0 (its host's: it is a container)":                  "2 个文件，131 个软件包，内核 6.1.0（容器使用宿主机的内核）",
		"module file /lib/a.ko is missing after the rollback: it was there before the upgrade": "模块文件 /lib/a.ko 在回退后缺失：升级前存在",
		"/etc/a.conf differs: sha256 11… before the upgrade, link to /b after the rollback":    "/etc/a.conf 不一致：升级前为 sha256 11…，回退后为 指向 /b 的链接",
		"log-in of ann is missing after the rollback: before the upgrade it was locked, bash":  "登录账号 ann 在回退后缺失：升级前为 已锁定，bash",
		`db: open a session: FATAL: no pg_hba.conf entry for host "1.2.3.4"`:                   `db：建立会话：FATAL: no pg_hba.conf entry for host "1.2.3.4"`,
		"no answer within 1m30s":                       "1 分 30 秒内没有应答",
		"42.5s before the time of the check":           "比检查时间早 42.5 秒",
		"destroy db → boot db as new on the old data":  "销毁 db → 在原有数据上以 new 启动 db",
		"boot db with dump → boot db as new with dump": "启动 db，载入备份 dump → 以 new 启动 db，载入备份 dump",
		"exec on db: psql -c select 1: done":           "在 db 上执行：psql -c select 1: done",
		`step "rollback.sh": exit code 1`:              `步骤 "rollback.sh"：退出码 1`,
		"list backup a: read store b: there is no folder /b (path starts at the scenario's folder)": "列出备份 a：读取存储 b：没有目录 /b（路径从场景所在目录算起）",
		"manifest a.manifest.yaml: by hand":                                 "清单文件 a.manifest.yaml：by hand",
		"verify a.dump: digest is sha256:1, its manifest promises sha256:2": "校验 a.dump：摘要为 sha256:1，清单所列为 sha256:2",
		// what others wrote stays
		"pg_restore: error: could not read from input file: end of file": "pg_restore: error: could not read from input file: end of file",
		"stop the world":               "stop the world",
		"ERROR: no such file, 3 files": "ERROR: no such file, 3 files",
		"db":                           "db", "": "", "已有": "已有",
	} {
		assert.Equal(t, want, c.Text(Chinese, text))
		assert.Equal(t, text, c.Text(English, text))
	}
}

// quoted are the words of others in a record: names that the user gave, and what servers, tools and kernels said.
func quoted(r *record.Record) []string {
	h := r.Header
	all := []string{h.Service, h.Customer, h.Series, h.Title["en"], h.Title["zh"], h.Scenario, "the dump's own snapshot"}
	for _, c := range h.Checks {
		all = append(all, c.Name)
	}
	all = append(all, noEntry, "order is paid", "connect: connection refused") // a server's, a flow's, a kernel's
	for _, why := range h.Excluded {
		all = append(all, why)
	}
	for _, x := range r.Restores {
		all = append(all, x.BackupBad)
	}
	for _, name := range h.People {
		all = append(all, name)
	}
	for _, p := range h.Incidents {
		all = append(all, p.Name)
	}
	for _, s := range r.Steps {
		all = append(all, strings.Split(s.Output, "\n")...)
		if _, command, ok := strings.Cut(s.What, ": "); ok {
			all = append(all, command)
		}
	}
	for _, d := range r.Diagnoses {
		all = append(append(all, d.Lines...), d.Words)
	}
	for _, in := range r.Incidents {
		if in.Decision != nil {
			all = append(all, in.Decision.Reason)
		}
	}
	if r.Pulse != nil {
		for _, red := range r.Pulse.Reds {
			all = append(all, red.Why)
		}
	}
	for _, o := range r.Observations { // names of checks
		all = append(all, o.Args["flows"])
	}
	for _, n := range r.Notes {
		all = append(all, n.Text)
	}
	for _, f := range r.Cleanup.Failed {
		all = append(all, f.Error, f.Fix, f.What)
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return slices.DeleteFunc(all, func(s string) bool { return strings.TrimSpace(s) == "" })
}

// ownWords are what stands in Chinese texts as it is: names, units, keys and values of a scenario, commands and their options.
var ownWords = regexp.MustCompile(`^([a-z0-9]+([_.-][A-Za-z0-9*]+)+|[A-Z0-9_.-]+|[A-Za-z]?[BKMGT]i?B|` +
	`[Ll]ifeboat|LIFEBOAT_K|PostgreSQL|Docker|MariaDB|MySQL|SQLite|Redis|etcd|etcdctl|bbolt|Oracle|Microsoft|Windows|Proxmox|Debian|Server|Linux|Git|ETag|` +
	`SHA|Ctrl-C|WHOLE.qcow|COPY.vhdx|ttyS|` + // programs, formats, names of files
	`(h|min|s|d|ms|kB)|sha|bzip|gzip|lz|lzip|lzip|lzma|lzop|snappy|xz|zip|zstd|compress|cpio|rar|tar|bc|` +
	`audit|addendum|verify|finding|docker|save|doctor|drill|sweep|plan|validate|report|history|upgrade|shell|make|build|k6|` +
	`dpkg-query|rpm|apk|uname|find|restrict|unrestrict|grub|grubby|bootctl|gpg|openssl|rclone|postgres|psql|amcheck|dump|mongodump|xbstream|initramfs|` +
	`setcap|setuid|setup|console|sum|sata|scsi|ide|bus|ens|eth|mac|vm|vsock|guest|agent|firmware|uefi|bios|oops|base|by|etc|env|http|tcp|udp|` +
	`icmp|mysql|mysqldump|compact|routines|events|replace|insert|ignore|true|completed|Dump|users|user|no|` +
	`oci|dir|disk|disks|qcow|vhdx|raw|tcg|kvm|custom|public|complete|database|vermagic|jobs|query|certificate|clean|schema|` +
	`address|age|aliases|all|approve|capabilities|capability|check|checks|convert|decide|digest|export|fault|flow|format|fstab|passwd|systemd|except|command|gateway|` +
	`install|keep|kind|path|pattern|pick|platform|prefix|prepare|programs|ready|removable|restore|rollback|section|simulated|store|tag|` +
	`timeout|timezone|trigger|unlock|data|extensions|ports|sh|boot|sparse|against|last|moved|tables|profile|` +
	`restic|borg|take|trees|config|index|keys|snapshots|password|` +
	`mydumper|metadata|sql|mysql.proc|csv|unmarked|schemas|view|post|create|triggers|updated|rows|load|sql_mode|mode|quotes|` +
	`trust|since|checkpoint|log|key|docs|evidence.md|crc|encrypt|backup|stream|mbstream|frm|ibd|mariadbd|mysqld|partial|xbcrypt)$`)

// names of the samples' machines, files and people, as words.
var names = regexp.MustCompile(`^(db|app|pos|web|shop|shop_owner|orders|before|upgraded|buy|amd|deb|dev|libpq|qemu|screen|png|aa|ee|co|alert|` +
	`NVMe|vendor|vendordev|Zhao|Min|giving|up)$`)

var englishWord = regexp.MustCompile(`[A-Za-z][A-Za-z_.-]*[A-Za-z]`)

// A Chinese report holds no English word of lifeboat's.
func TestNoEnglishInChinese(t *testing.T) {
	notText := regexp.MustCompile(`(?s)<(style|script|code|title)\b.*?</(style|script|code|title)>|<[^>]*>|sha256:[0-9a-f]{64}|` + "`[^`]*`")
	for _, sm := range samples(t) {
		words := quoted(sm.record)
		for _, f := range Formats() {
			if f.Name != "html" && f.Name != "markdown" {
				continue // the others hold the same words, cut into lines
			}
			t.Run(sm.name+"/"+f.Name, func(t *testing.T) {
				got := strings.ReplaceAll(html.UnescapeString(notText.ReplaceAllString(render(t, f, sm, Chinese), " | ")), `\`, "")
				for _, w := range words {
					got = strings.ReplaceAll(got, w, "·")
				}
				assert.Empty(t, english(got))
			})
		}
	}
}

// Nor does any text of the catalogue, whoever puts it into a report.
func TestNoEnglishInTheChineseCatalogue(t *testing.T) {
	c, hole := Messages(), regexp.MustCompile(`\{[^{}]*\}`)
	texts := []string{}
	for _, group := range []map[string]string{c.labels[Chinese], c.sentences[Chinese], c.next[Chinese], c.phrases[Chinese]} {
		texts = append(texts, slices.Collect(maps.Values(group))...)
	}
	for _, one := range c.texts[Chinese]() {
		texts = append(texts, one.text)
	}
	require.Greater(t, len(texts), 900)
	for _, text := range texts {
		assert.Empty(t, english(hole.ReplaceAllString(text, " ")), text)
	}
}

func english(text string) []string {
	return slices.DeleteFunc(englishWord.FindAllString(text, -1), func(w string) bool { return ownWords.MatchString(w) || names.MatchString(w) })
}
