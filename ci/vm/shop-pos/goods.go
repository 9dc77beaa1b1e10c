package main

// good is one thing that is sold.
type good struct {
	SKU   string `json:"sku"`
	Name  string `json:"name"`
	Cents int64  `json:"cents"` // price of one
}

var catalogue = []good{
	{"tea-100", "Green tea, 100 g", 590},
	{"tea-250", "Green tea, 250 g", 1290},
	{"pot-1", "Teapot, cast iron", 4900},
	{"cup-2", "Cups, pair", 1850},
	{"tin-1", "Tin, small", 350},
	{"sieve-1", "Sieve", 420},
	{"honey-1", "Honey, 500 g", 780},
	{"card-1", "Gift card", 2500},
}

// price returns what items cost together, in cents, and whether all of them
// are in the catalogue in a quantity of 1 to 99.
func price(items []item) (int64, bool) {
	var total int64
	for _, i := range items {
		found := false
		for _, g := range catalogue {
			if g.SKU == i.SKU && i.Quantity > 0 && i.Quantity < 100 {
				total += g.Cents * int64(i.Quantity)
				found = true
			}
		}
		if !found {
			return 0, false
		}
	}
	return total, len(items) > 0
}
