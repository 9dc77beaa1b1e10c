package qemu

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
)

const (
	unlockEvery = time.Second      // the console is looked at; a person would not be quicker
	unlockTaken = 10 * time.Second // a passphrase, by a guest under emulation
	unlockTries = 2                // a question that comes back once may have been printed over
)

// unlocking types the passphrase of the guest's disks where its serial console asks for it.
type unlocking struct {
	stop context.CancelFunc
	// How often it was typed for each disk; guarded by the machine's mu.
	typed map[string]int
}

// startUnlocking goes on for as long as this QEMU runs: the guest asks at each of its boots. The caller holds mu.
func (m *Machine) startUnlocking(ctx context.Context) {
	if revealed(m.vm.Unlock) == "" {
		return
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	u := &unlocking{stop: stop, typed: map[string]int{}}
	m.unlocking = u
	go func() {
		var from int64
		answered := 0 // questions of this boot
		for instance.Pause(ctx, unlockEvery) == nil {
			m.mu.Lock()
			if m.booted != from { // it started anew
				from, answered = m.booted, 0
				clear(u.typed)
			}
			m.mu.Unlock()
			text, err := m.sinceBoot(ctx)
			if err != nil {
				continue // it is read again in a moment
			}
			asked := questions(text)
			if len(asked) <= answered || readConsole(text).login { // a passphrase is no name
				continue
			}
			disk := asked[len(asked)-1]
			answered = len(asked)
			if err := m.answer(ctx, u, disk); err != nil {
				m.driver.site.Log.Warn("type a passphrase", "machine", m.Name(), "disk", disk, "error", err)
			}
		}
	}()
}

// answer types the passphrase, unless it was refused.
func (m *Machine) answer(ctx context.Context, u *unlocking, disk string) error {
	m.mu.Lock()
	u.typed[disk]++
	n := u.typed[disk]
	m.mu.Unlock()
	if n > unlockTries {
		return nil
	}
	c, err := m.hypervisor.DialSocket(ctx, serialSocket)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := newSerialLine(c).send(revealed(m.vm.Unlock) + "\r"); err != nil {
		return err
	}
	// QEMU drops what the guest has not taken when we leave: a guest takes a letter at a time, and says something then.
	_ = c.SetReadDeadline(time.Now().Add(unlockTaken))
	for said := 0; said < len("\r\n."); {
		n, err := c.Read(make([]byte, 1<<10))
		if said += n; err != nil {
			return nil // it may have taken it in silence
		}
	}
	return nil
}

// questions for passphrases on a console, by the disks that they are for.
func questions(text string) []string {
	i := slices.IndexFunc(consoleSigns, func(s consoleSign) bool { return s.class == classPassphrase })
	var asked []string
	for _, line := range lastStart(plainLines(text)) {
		line = kernelStamp().ReplaceAllString(line, "")
		if at := consoleSigns[i].pattern().FindStringSubmatchIndex(line); at != nil {
			asked = append(asked, string(consoleSigns[i].pattern().ExpandString(nil, consoleSigns[i].words, line, at)))
		}
	}
	return asked
}

// unlocked judges a question for a passphrase where the scenario gives one: it is being answered, or was refused.
func (m *Machine) unlocked(found []finding) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.unlocking == nil {
		return
	}
	refused := 0
	for _, n := range m.unlocking.typed {
		refused = max(refused, n)
	}
	for i, f := range found {
		if f.class != classPassphrase || f.source != sourceConsole {
			continue
		}
		found[i].fatal = refused > unlockTries
		if found[i].fatal {
			found[i].words += fmt.Sprintf("; what unlock: gives was typed %d times and asked for again", unlockTries)
			found[i].lack = record.LackPassphrase
		}
	}
}
