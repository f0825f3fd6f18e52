package export_test

import (
	"log"
	"os"

	"github.com/tidemill/tidemill/replay/export"
	"github.com/tidemill/tidemill/task"
)

// A history becomes a table: see package replay for where events come from.
func ExampleCSV() {
	born := task.Position{Ms: 1_795_365_844_538, LSN: 4242}
	history := []task.Event{
		{At: born, Queue: "mail", Kind: task.Born, Task: task.NewID(0, 1, born), Type: "email.send", Attempt: 1},
		{At: task.Position{Ms: born.Ms + 5, LSN: 4243}, Queue: "mail", Kind: task.OutcomeDead, Task: task.NewID(0, 1, born), Attempt: 1, Error: "=no such user"},
	}
	w := export.NewCSV(os.Stdout)
	for i := range history {
		if err := w.Write(&history[i]); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// time,queue,partition,lsn,item,kind,id,type,attempt,crashes,consumer,version,host,ran_ms,result,outcome,error,actor,reason,due_at,prev,key,headers,payload_base64,payload_redacted,retries,timeout_ms,deadline,raw
	// 2026-11-22T16:44:04.538Z,mail,0,4242,0,born,01M8229DHT000000800000044J,email.send,1,,,,,,,,,,,,,,,,,,,,
	// 2026-11-22T16:44:04.543Z,mail,0,4243,0,dead,01M8229DHT000000800000044J,,1,,,,,,,,'=no such user,,,,,,,,,,,,
}
