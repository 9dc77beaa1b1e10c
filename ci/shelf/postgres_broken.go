package main

import (
	"lifeboat/drills/objective"
	"lifeboat/internal/accident"
)

// brokenDumps are what may become of dumps.
func brokenDumps() []item {
	return []item{
		{"custom-half", "cut in the middle", shop, dumped("", dump, "shop.dump", accident.Share(0.5)), at(objective.RungRead), ""},
	}
}
