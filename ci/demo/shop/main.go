// Command shop is the demo that lifeboat's own scenarios drill: a small web shop on PostgreSQL with
// log-in, catalogue, order, pay and order history, in which money and stock have to add up.
package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const usage = `usage: shop serve | migrate | seed [ORDERS] | version

  serve     serves HTTP on SHOP_LISTEN (:8080), with the database SHOP_DATABASE
  migrate   brings the schema of SHOP_OWNER_DATABASE to this program's release
  seed      fills an empty shop of release 1 with ORDERS orders (120000)
  version   prints the release

The configuration file is SHOP_CONFIG (/etc/shop/shop.conf). Exit codes: 0 done, 1 it did not work, 2 usage.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	err := errUsage
	if len(os.Args) > 1 {
		err = run(ctx, log, os.Args[1], os.Args[2:])
	}
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	case err != nil:
		log.Error("stopped", "error", err)
		os.Exit(1)
	}
}

var errUsage = errors.New("usage")

func run(ctx context.Context, log *slog.Logger, command string, args []string) error {
	file := setting("SHOP_CONFIG", "/etc/shop/shop.conf")
	cfg, found, err := readConfig(file)
	if err != nil {
		return err
	}
	if !found {
		log.Warn("there is no configuration file; going on with the defaults", "file", file)
	}
	switch command {
	case "serve":
		return serve(ctx, log, cfg)
	case "migrate":
		return asOwner(ctx, func(c *pgx.Conn) error {
			from, err := migrate(ctx, c, release)
			if err == nil {
				fmt.Printf("schema: release %d, was %d\n", release, from)
			}
			return err
		})
	case "seed":
		orders := 120_000
		if len(args) > 0 {
			if orders, err = strconv.Atoi(args[0]); err != nil || orders < 1 {
				return errUsage
			}
		}
		return asOwner(ctx, func(c *pgx.Conn) error { return seed(ctx, c, cfg, orders) })
	case "version":
		fmt.Println(release)
		return nil
	}
	return errUsage
}

func asOwner(ctx context.Context, f func(*pgx.Conn) error) error {
	c, err := pgx.Connect(ctx, setting("SHOP_OWNER_DATABASE", ownerDatabase))
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	return f(c)
}

// serve starts whether or not the database is there, as a web application should.
func serve(ctx context.Context, log *slog.Logger, cfg config) error {
	db, err := newPool(setting("SHOP_DATABASE", appDatabase))
	if err != nil {
		return err
	}
	defer db.Close()
	handler := (&server{shop: &shop{config: cfg, sql: statementsOf[release], db: db}, log: log}).routes()
	web := &http.Server{Addr: setting("SHOP_LISTEN", ":8080"), Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	gone := make(chan error, 1)
	go func() { gone <- web.ListenAndServe() }()
	log.Info("serving", "address", web.Addr, "release", release)
	select {
	case err := <-gone:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	return web.Shutdown(ctx)
}
