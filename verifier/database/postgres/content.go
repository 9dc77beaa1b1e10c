package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"lifeboat/verifier/database"
)

// databases of a server. What a DROP DATABASE left half-way has the limit -2.
const databases = `select d.datname,
	case when has_database_privilege(d.oid, 'connect') then pg_database_size(d.oid) else 0 end
	from pg_database d where d.datallowconn and not d.datistemplate and d.datconnlimit <> -2 and %s in ('', d.datname) order by 1`

// Held lists the databases of a server that are no templates; where s.Database is set, that one.
func (Dialect) Held(ctx context.Context, s database.Server) (all []database.Held, err error) {
	question := fmt.Sprintf(databases, literal(s.Database))
	s.Path = []string{}
	for _, s.Database = range []string{"postgres", "template1"} {
		err = in(ctx, s, "read only", func(ctx context.Context, q *session) error {
			if err := q.shadows(ctx, nil, question); err != nil {
				return err
			}
			return q.Ask(ctx, question, nil, func(v [][]byte) error {
				n, err := strconv.ParseInt(string(v[1]), 10, 64)
				all = append(all, database.Held{Name: string(v[0]), Bytes: n})
				return err
			})
		})
		if code(err) != "3D000" { // invalid_catalog_name
			break
		}
	}
	return all, err
}

// Content reads all of the database of s. An error means that nothing is known of it.
func (Dialect) Content(ctx context.Context, s database.Server) (database.Content, error) {
	found := database.Content{Database: s.Database}
	s.Path = []string{}
	err := in(ctx, s, "read only", func(ctx context.Context, q *session) error {
		return (&look{q: q, into: &found}).all(ctx)
	})
	switch fault := blame(err); {
	case err == nil:
		verify(ctx, s, &found)
	case fault == database.Unreadable:
		found.Wrong = append(found.Wrong, database.Wrong{Fault: fault, Where: "the catalogue", Says: err.Error()})
	case len(found.Wrong) > 0: // what was found stays found
		found.Unread = append(found.Unread, database.Wrong{Where: s.Database, Says: err.Error()})
	default:
		return found, err
	}
	return found, nil
}

// code is the SQLSTATE of an error; "": it has none.
func code(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

// places of a cluster's data, as the server names files. A library is no such file, and its lack the image's.
var places = []string{`"base/`, `"global/`, `"pg_tblspc/`, `"pg_xact/`, `"pg_multixact/`}

// blame says what an error of reading means for the content; "": nothing, whoever is to blame. No question of ours runs
// code that the database brings, so an internal error is of the data as well; see look.read.
func blame(err error) database.Fault {
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return ""
	}
	switch pg.Code {
	case "XX001", "XX002": // data_corrupted, index_corrupted
		return database.Unreadable
	case "58P01": // undefined_file
		for _, p := range places {
			if strings.Contains(pg.Message+pg.Detail, p) {
				return database.Unreadable
			}
		}
	case "22021": // character_not_in_repertoire
		return database.Misencoded
	}
	return ""
}

// try does something that leaves the session as it is where it goes wrong. fatal: nothing more can be asked. What came before stays: the
// point to go back to is set once, for a question more each time would be most of the time that small tables take.
func (q *session) try(ctx context.Context, do func() error) (err, fatal error) {
	if fatal := q.before(ctx); fatal != nil {
		return nil, fatal
	}
	return q.back(ctx, do())
}

// before sets the point to go back to, where there is none.
func (q *session) before(ctx context.Context) error {
	if q.tried {
		return nil
	}
	_, err := q.c.Exec(ctx, "savepoint before").ReadAll()
	q.tried = err == nil
	return cause(err)
}

// back goes back to that point where something went wrong. fatal: nothing more can be asked.
func (q *session) back(ctx context.Context, failed error) (err, fatal error) {
	if failed == nil {
		return nil, nil
	}
	if _, fatal = q.c.Exec(ctx, "rollback to before").ReadAll(); fatal != nil || code(failed) == "57014" { // or time is up
		return nil, failed
	}
	return failed, nil
}

// underWay is how many questions are under way together.
const underWay = 64

// tries asks questions, and tells of each in its order: of its rows, or of what was wrong with it, which spoils no other one. They are sent
// without waiting for the answers, since those of small tables take less time than a question's way there. When told is called nothing is
// under way. done is how many were answered when it was fatal: nothing more can be asked.
func (q *session) tries(ctx context.Context, questions []string, told func(i int, rows [][][]byte, err error) (fatal error)) (done int, fatal error) {
	for done < len(questions) {
		if fatal := q.before(ctx); fatal != nil {
			return done, fatal
		}
		batch := &pgconn.Batch{}
		for _, question := range questions[done:min(done+underWay, len(questions))] {
			batch.ExecParams(question, nil, nil, nil, nil)
		}
		answers, err := q.c.ExecBatch(ctx, batch).ReadAll()
		if n := len(answers); err != nil && n > 0 && answers[n-1].Err != nil {
			answers = answers[:n-1] // it went wrong on the way
		}
		if err, fatal = q.back(ctx, q.misplaced(classify(cause(err)))); err == nil && fatal == nil && len(answers) == 0 {
			return done, errors.New("a server answered no question")
		}
		for _, a := range answers {
			if fatal := told(done, a.Rows, nil); fatal != nil {
				return done, fatal
			}
			done++
		}
		if fatal != nil {
			return done, fatal
		}
		if err != nil { // what came behind it is asked again
			if fatal := told(done, nil, err); fatal != nil {
				return done, fatal
			}
			done++
		}
	}
	return done, nil
}

// keep makes something stay, whatever goes wrong later.
func (q *session) keep(ctx context.Context, do func() error) (err, fatal error) {
	err, fatal = q.try(ctx, do)
	if err != nil || fatal != nil {
		return err, fatal
	}
	q.tried = false
	_, fatal = q.c.Exec(ctx, "release before").ReadAll()
	return nil, cause(fatal)
}
