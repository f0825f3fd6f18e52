// Command tidemill runs, watches and repairs tasks from a shell.
package main

import (
	"os"

	"github.com/tidemill/tidemill/internal/cli"
)

func main() { os.Exit(cli.Main()) }
