package kernel

import (
	"path"
	"slices"
	"strings"
)

// entry of GRUB's menu.
type entry struct {
	ids      []string // those of the submenus around it, and its own; the title where it has no id
	image    string   // file of the kernel, without its folder
	recovery bool
}

// path is the entry as GRUB's variable default and grub-set-default name it.
func (e entry) path() string {
	var parts []string
	for _, id := range e.ids {
		parts = append(parts, strings.ReplaceAll(id, ">", ">>")) // a ">" of a title is written twice
	}
	return strings.Join(parts, ">")
}

// images are the names under which distributions keep the kernel of a release.
func images(release string) []string {
	var all []string
	for _, prefix := range []string{"vmlinuz-", "vmlinux-", "kernel-", "linux-", "bzImage-", "Image-"} {
		all = append(all, prefix+release)
	}
	return all
}

// find gives the entry that starts a release. The release is compared as a whole: 6.1.0-5 is neither
// 6.1.0-56 nor 6.1.0-5-amd64. An entry of a submenu says which kernel it starts in its id and goes on
// starting it after the next update-grub; the one at the top starts whatever is newest then.
func find(menu []entry, release string) (entry, bool) {
	var found []entry
	for _, e := range menu {
		if !e.recovery && slices.Contains(images(release), e.image) {
			found = append(found, e)
		}
	}
	slices.SortStableFunc(found, func(a, b entry) int { return len(b.ids) - len(a.ids) })
	if len(found) == 0 {
		return entry{}, false
	}
	return found[0], true
}

// releases lists the kernels that a menu can start, each once, in its order.
func releases(menu []entry) []string {
	var all []string
	for _, e := range menu {
		if _, r, ok := strings.Cut(e.image, "-"); ok && !slices.Contains(all, r) {
			all = append(all, r)
		}
	}
	return all
}

// parseMenu reads the entries of a grub.cfg as grub-mkconfig writes it.
func parseMenu(text string) []entry {
	var menu []entry
	var open []block
	for raw := range strings.Lines(text) {
		words := split(raw)
		if len(words) == 0 {
			continue
		}
		switch words[0] {
		case "menuentry", "submenu":
			open = append(open, block{id: idOf(words), entry: words[0] == "menuentry"})
			if words[0] == "menuentry" {
				open[len(open)-1].found = entry{ids: idsOf(open)}
			}
			continue
		case "function", "if", "for", "while", "until": // their braces and ends are their own
		case "linux", "linux16", "linuxefi":
			if n := len(open); n > 0 && open[n-1].entry && len(words) > 1 {
				e := &open[n-1].found
				e.image = path.Base(words[1])
				e.recovery = slices.ContainsFunc(words[2:], func(w string) bool {
					return w == "single" || w == "recovery" || w == "rescue" || w == "systemd.unit=rescue.target"
				})
			}
		}
		if words[len(words)-1] == "{" { // a function's, or any other block's
			open = append(open, block{})
		}
		if words[0] == "}" && len(open) > 0 {
			if b := open[len(open)-1]; b.entry && b.found.image != "" {
				menu = append(menu, b.found)
			}
			open = open[:len(open)-1]
		}
	}
	return menu
}

// block is a pair of braces of the menu.
type block struct {
	id    string // of a menu entry or a submenu
	entry bool
	found entry
}

func idsOf(open []block) []string {
	var ids []string
	for _, b := range open {
		if b.id != "" {
			ids = append(ids, b.id)
		}
	}
	return ids
}

// idOf is the id of an entry, or its title where it has none.
func idOf(words []string) string {
	for i, w := range words {
		if (w == "$menuentry_id_option" || w == "--id") && i+1 < len(words) {
			return words[i+1]
		}
		if id, ok := strings.CutPrefix(w, "--id="); ok {
			return id
		}
	}
	if len(words) > 1 {
		return words[1]
	}
	return ""
}

// split cuts a line into words as GRUB's shell does, as far as menus need it: quotes and backslashes.
// A comment has no words.
func split(text string) []string {
	var words []string
	var word strings.Builder
	quote, begun := rune(0), false
	runes := []rune(strings.TrimRight(text, "\r\n"))
	for i := 0; i < len(runes); i++ {
		c := runes[i]
		switch {
		case quote == 0 && c == '#' && !begun:
			i = len(runes)
		case quote == 0 && (c == ' ' || c == '\t'):
			if begun {
				words = append(words, word.String())
				word.Reset()
				begun = false
			}
		case c == '\\' && quote != '\'' && i+1 < len(runes):
			i++
			word.WriteRune(runes[i])
			begun = true
		case quote == 0 && (c == '\'' || c == '"'):
			quote, begun = c, true
		case c == quote:
			quote = 0
		default:
			word.WriteRune(c)
			begun = true
		}
	}
	if begun {
		words = append(words, word.String())
	}
	return words
}
