// Package objective judges a drill: it holds a record against the objectives
// and the rules of a verdict. It is pure: the same record gives the same
// verdict, for anybody, years later.
package objective
