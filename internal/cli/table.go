package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// table prints rows in aligned columns, a block at a time, so that long listings
// come while they are read. A column keeps the width of its widest cell so far.
type table struct {
	out   io.Writer
	right []bool
	width []int
	rows  [][]string
	shown int
}

// tableBlock is how many rows are gathered before they are printed.
const tableBlock = 100

// newTable begins with the names of the columns. A name that ends in > makes
// its column flush right.
func (a *app) newTable(columns ...string) *table {
	t := &table{out: a.out, right: make([]bool, len(columns)), width: make([]int, len(columns))}
	for i, c := range columns {
		columns[i], t.right[i] = strings.CutSuffix(c, ">")
	}
	t.row(columns...)
	t.shown = 0
	return t
}

// row adds one row. Text is made safe here, and nowhere else.
func (t *table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = cmp.Or(cell(c), "-")
		t.width[i] = max(t.width[i], utf8.RuneCountInString(cells[i]))
	}
	t.rows = append(t.rows, cells)
	if t.shown++; len(t.rows) == tableBlock {
		t.flush()
	}
}

// flush prints what was gathered. A heading alone is not printed.
func (t *table) flush() {
	if t.shown == 0 {
		return
	}
	for _, cells := range t.rows {
		var b strings.Builder
		for i, c := range cells {
			pad := strings.Repeat(" ", t.width[i]-utf8.RuneCountInString(c))
			if i > 0 {
				b.WriteString("  ")
			}
			if t.right[i] {
				b.WriteString(pad + c)
			} else {
				b.WriteString(c + pad)
			}
		}
		fmt.Fprintln(t.out, strings.TrimRight(b.String(), " "))
	}
	t.rows = nil
}
