package witness

import (
	"context"
	"errors"

	"github.com/redis/go-redis/v9"
)

const page = 1000

// raw is an entry with its fields in order, as a map would not keep them.
type raw struct {
	id     string
	fields [][]byte
}

var errReply = errors.New("reply of another shape")

func (p *partition) page(ctx context.Context, client redis.UniversalClient, key, from string) ([]raw, error) {
	cmd := redis.NewSliceCmd(ctx, "XRANGE", key, from, "+", "COUNT", page)
	cmd.SetFirstKeyPos(1)
	if err := client.Process(ctx, cmd); err != nil {
		return nil, err
	}
	out := make([]raw, 0, len(cmd.Val()))
	for _, v := range cmd.Val() {
		pair, ok := v.([]any)
		if !ok || len(pair) != 2 {
			return nil, errReply
		}
		id, ok1 := pair[0].(string)
		values, ok2 := pair[1].([]any)
		if !ok1 || !ok2 {
			return nil, errReply
		}
		r := raw{id: id, fields: make([][]byte, len(values))}
		for i, value := range values {
			text, _ := value.(string)
			r.fields[i] = []byte(text)
		}
		out = append(out, r)
	}
	return out, nil
}
