package main

import (
	"fmt"
	"image/color"
	"path/filepath"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

const sans = "Sans" // of the fonts that gonum brings

var (
	peerColor = color.RGBA{R: 0x9a, G: 0xa5, B: 0xb1, A: 0xff}
	ourColor  = color.RGBA{R: 0x1f, G: 0x6f, B: 0x8b, A: 0xff}
)

// charts writes a bar chart of each scenario and metric, base-scenario.svg.
func (r *Report) charts(base string) error {
	for _, s := range scenarios {
		for _, m := range s.Kind.metrics() {
			rows := slices.DeleteFunc(slices.Clone(r.Results), func(x Result) bool {
				return x.Scenario != s.Name || x.Metric != m.name
			})
			if len(rows) == 0 {
				continue
			}
			if err := chart(s.title(m), rows, base+"-"+slug(s.Name, m.name)+".svg"); err != nil {
				return fmt.Errorf("chart of %s: %w", s.Name, err)
			}
		}
	}
	r.chartBase = filepath.Base(base)
	return nil
}

func (s scenario) title(m metric) string {
	if m.name == "rate" || m.name == "bytes" {
		return s.Name + " (" + m.unit + ")"
	}
	return s.Name + ", " + m.name + " (" + m.unit + ")"
}

func slug(name, metric string) string {
	if metric == "rate" || metric == "bytes" {
		metric = ""
	}
	words := strings.FieldsFunc(strings.ToLower(name+" "+metric), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "-")
}

// chart draws the first row on top, tidemill in colour, each bar with its figure.
func chart(title string, rows []Result, path string) error {
	slices.Reverse(rows)
	p := plot.New()
	p.Title.Text, p.Title.Padding = title, vg.Points(8)
	p.Title.TextStyle.Font.Variant, p.X.Tick.Label.Font.Variant, p.Y.Tick.Label.Font.Variant = sans, sans, sans
	p.BackgroundColor = color.White // a README is read in the dark too
	p.X.Min = 0
	labels := plotter.XYLabels{}
	names := make([]string, len(rows))
	for i, r := range rows {
		names[i] = r.Peer
		bars, err := plotter.NewBarChart(plotter.Values{max(r.Value, 0)}, vg.Points(14))
		if err != nil {
			return err
		}
		bars.Horizontal, bars.XMin, bars.LineStyle.Width = true, float64(i), 0
		bars.Color = peerColor
		if r.Peer == tidemillPeer.name {
			bars.Color = ourColor
		}
		p.Add(bars)
		labels.XYs = append(labels.XYs, plotter.XY{X: max(r.Value, 0), Y: float64(i)})
		labels.Labels = append(labels.Labels, " "+r.figure())
	}
	text, err := plotter.NewLabels(labels)
	if err != nil {
		return err
	}
	for i := range text.TextStyle {
		text.TextStyle[i].YAlign = -0.35
		text.TextStyle[i].Font.Variant = sans
	}
	p.Add(text)
	p.NominalY(names...)
	p.Y.Min, p.Y.Max = -0.5, float64(len(rows))-0.5
	p.X.Max *= 1.15 // room for the figure of the longest bar
	return p.Save(16*vg.Centimeter, vg.Length(len(rows))*0.8*vg.Centimeter+2*vg.Centimeter, path)
}
