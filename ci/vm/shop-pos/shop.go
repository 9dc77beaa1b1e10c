package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// shop answers:
//
//	GET  /healthz      200 while the service runs, whether or not it can sell
//	POST /login        {"cashier","pin"} to {"token"}; 401 where they do not fit
//	GET  /catalogue    [{"sku","name","cents"}]
//	POST /order        {"items":[{"sku","quantity"}]} to 201 and the order, with "Authorization: Bearer TOKEN";
//	                   503 where the device does not sign, 500 where the order could not be written
//	GET  /orders       {"count","cents","last"}: all of them counted, the last 20 in full
//	GET  /orders/N     one order
//
// An error is {"error"}.
type shop struct {
	config config
	book   *book
	mu     sync.Mutex
	tokens map[string]string // to the cashier; a restart logs everybody out
}

func newShop(c config, b *book) http.Handler {
	s := &shop{config: c, book: b, tokens: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /catalogue", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, catalogue)
	})
	mux.HandleFunc("POST /login", s.login)
	mux.HandleFunc("POST /order", s.order)
	mux.HandleFunc("GET /orders", s.orders)
	mux.HandleFunc("GET /orders/{number}", s.one)
	return mux
}

func (s *shop) login(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Cashier string `json:"cashier"`
		PIN     string `json:"pin"`
	}
	if !decode(w, r, &body) {
		return
	}
	if pin, ok := s.config.cashiers[body.Cashier]; !ok || pin != body.PIN {
		refuse(w, http.StatusUnauthorized, "cashier and PIN do not fit")
		return
	}
	token := rand.Text()
	s.mu.Lock()
	s.tokens[token] = body.Cashier
	s.mu.Unlock()
	answer(w, http.StatusOK, map[string]string{"token": token})
}

func (s *shop) order(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	cashier := s.tokens[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	s.mu.Unlock()
	if cashier == "" {
		refuse(w, http.StatusUnauthorized, "log in first")
		return
	}
	var body struct {
		Items []item `json:"items"`
	}
	if !decode(w, r, &body) {
		return
	}
	cents, ok := price(body.Items)
	if !ok {
		refuse(w, http.StatusBadRequest, "items must be of the catalogue, 1 to 99 of each")
		return
	}
	line, err := os.ReadFile(s.config.device)
	if err != nil {
		refuse(w, http.StatusServiceUnavailable, "sign order: "+err.Error())
		return
	}
	o, err := s.book.add(order{At: time.Now().UTC(), Cashier: cashier, Items: body.Items, Cents: cents,
		Device: strings.TrimSpace(string(line))})
	if err != nil {
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	answer(w, http.StatusCreated, o)
}

func (s *shop) orders(w http.ResponseWriter, _ *http.Request) {
	const shown = 20
	all := s.book.all()
	answer(w, http.StatusOK, map[string]any{
		"count": len(all), "cents": turnover(all), "last": all[max(0, len(all)-shown):],
	})
}

func (s *shop) one(w http.ResponseWriter, r *http.Request) {
	all := s.book.all()
	number, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || number < 1 || number > len(all) {
		refuse(w, http.StatusNotFound, fmt.Sprintf("there is no order %s", r.PathValue("number")))
		return
	}
	answer(w, http.StatusOK, all[number-1])
}

// decode reads a request of at most 64 KiB; where it cannot, it has answered.
func decode(w http.ResponseWriter, r *http.Request, body any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(body); err != nil {
		refuse(w, http.StatusBadRequest, "read request: "+err.Error())
		return false
	}
	return true
}

func refuse(w http.ResponseWriter, status int, reason string) {
	if status >= http.StatusInternalServerError {
		log.Print(reason)
	}
	answer(w, status, map[string]string{"error": reason})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		log.Printf("answer: %v", err)
	}
}
