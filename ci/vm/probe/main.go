// Command probe is the only program of the guest that decides whether an
// accelerator works: as /init of an initramfs it says one line on the serial
// console and powers the machine off.
package main

import (
	"fmt"
	"os"
	"syscall"
)

// The ioctl TCSBRK (asm-generic/ioctls.h) with the argument 1 waits until all
// that was written to a terminal has left it; powering off first would cut
// the line.
const (
	tcsbrk = 0x5409
	drain  = 1
)

func main() {
	fmt.Println("lifeboat: ready")
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, os.Stdout.Fd(), tcsbrk, drain)
	if errno != 0 {
		fmt.Println("probe: drain the console:", errno)
	}
	if err := syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		fmt.Println("probe: power off:", err)
	}
	// The kernel panics when /init ends: a probe that cannot power off still ends where panic=-1 is set.
	os.Exit(1)
}
