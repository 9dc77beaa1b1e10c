//go:build !shop2

package main

// release is the schema release that this build of the program speaks.
const release = 1
