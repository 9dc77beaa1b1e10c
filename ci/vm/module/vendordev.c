// SPDX-License-Identifier: GPL-2.0
/*
 * vendordev - the third-party kernel module of the demo's customer
 *
 * Stands in for what a vendor delivers for one kernel only: the driver of a
 * signing device, of a backup agent, of a virus scanner. It gives
 * /dev/vendordev, from which every reader gets one line about the licence and
 * the kernel that it runs on.
 */
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/utsname.h>

static ssize_t vendordev_read(struct file *file, char __user *to, size_t count, loff_t *position)
{
	char line[__NEW_UTS_LEN + 64];
	int length = scnprintf(line, sizeof(line), "vendordev 1.4: licensed to Shop Ltd, kernel %s\n",
			       init_utsname()->release);

	return simple_read_from_buffer(to, count, position, line, length);
}

static const struct file_operations vendordev_operations = {
	.owner = THIS_MODULE,
	.read = vendordev_read,
	.llseek = default_llseek,
};

static struct miscdevice vendordev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vendordev",
	.fops = &vendordev_operations,
	.mode = 0444,
};

module_misc_device(vendordev);
MODULE_DESCRIPTION("signing device of a vendor (demo)");
MODULE_AUTHOR("lifeboat");
MODULE_LICENSE("GPL");
MODULE_VERSION("1.4");
