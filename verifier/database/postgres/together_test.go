package postgres

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/verifier/database"
)

// parrot is a server that answers each question with itself, or with the SQLSTATE that is given for it. Like any server it skips
// what stands behind a question that went wrong until the next Sync.
type parrot struct {
	wrong map[string]string
	trips int // times that somebody waited for it
}

func (p *parrot) serve(b *pgproto3.Backend) {
	_, _ = b.ReceiveStartupMessage()
	b.Send(&pgproto3.AuthenticationOk{})
	b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	question, skips := "", false
	for b.Flush() == nil {
		m, err := b.Receive()
		if err != nil {
			return
		}
		switch m := m.(type) {
		case *pgproto3.Query:
			b.Send(&pgproto3.CommandComplete{CommandTag: []byte("OK")})
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'T'})
		case *pgproto3.Parse:
			question = m.Query
		case *pgproto3.Execute:
			if skips {
				continue
			}
			if code := p.wrong[question]; code != "" {
				skips = true
				b.Send(&pgproto3.ErrorResponse{Severity: "ERROR", Code: code, Message: "no"})
				continue
			}
			b.Send(&pgproto3.ParseComplete{})
			b.Send(&pgproto3.BindComplete{})
			b.Send(&pgproto3.RowDescription{Fields: []pgproto3.FieldDescription{{Name: []byte("x")}}})
			b.Send(&pgproto3.DataRow{Values: [][]byte{[]byte(question)}})
			b.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
		case *pgproto3.Sync:
			skips = false
			p.trips++
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'T'})
		}
	}
}

// Every question has its own answer, in its order, whatever went wrong with those before it; the way is gone few times.
func TestQuestionsTravelTogether(t *testing.T) {
	const count = 150
	for name, tc := range map[string]struct {
		wrong map[string]string
		trips int
		fatal int // the question at which it ends
	}{
		"all are answered": {nil, 3, count},
		"some go wrong":    {map[string]string{"q0": "XX001", "q63": "XX001", "q64": "22021", "q65": "XX000", "q149": "42P01"}, 6, count},
		"time is up":       {map[string]string{"q3": "XX001", "q70": "57014", "q80": "XX001"}, 3, 70},
	} {
		t.Run(name, func(t *testing.T) {
			p := &parrot{wrong: tc.wrong}
			s := database.Server{User: "u", Password: "sesame", Database: "d", Timeout: time.Minute, Dial: func(context.Context) (net.Conn, error) {
				here, there := net.Pipe()
				go p.serve(pgproto3.NewBackend(there, there))
				return here, nil
			}}
			c, err := server{s}.connect(t.Context())
			require.NoError(t, err)
			defer goodbye(t.Context(), c)
			var questions, want, got []string
			for i := range count {
				q := fmt.Sprintf("q%d", i)
				questions = append(questions, q)
				if i < tc.fatal {
					want = append(want, q+tc.wrong[q])
				}
			}
			done, fatal := (&session{s: server{s}, c: c}).tries(t.Context(), questions, func(i int, rows [][][]byte, err error) error {
				said := questions[i] + code(err)
				if err == nil {
					said = string(rows[0][0])
				}
				got = append(got, said)
				return nil
			})
			assert.Equal(t, want, got)
			assert.Equal(t, tc.fatal, done)
			assert.Equal(t, tc.fatal < count, fatal != nil, "%v", fatal)
			assert.Equal(t, tc.trips, p.trips)
		})
	}
}
