package main

// oddDumps are good ones.
func oddDumps() []item {
	return []item{
		{"custom", "nothing", shop, shop.good, nil, ""},
	}
}
