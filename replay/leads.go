package replay

import "github.com/tidemill/tidemill/task"

// leads is the state that an event of the kind puts a task into; None if it puts
// it into no other. The law of task says so, and it says the same in every state.
func leads(k task.Kind) task.State { return leadsTo[k] }

var leadsTo = func() []task.State {
	to := make([]task.State, len(task.Kinds()))
	for k := range to {
		for _, s := range task.States() {
			if next, err := task.Apply(s, task.Kind(k)); err == nil && task.Kind(k) != task.StaleOutcome && task.Kind(k) != task.Redacted {
				to[k] = next
			}
		}
	}
	return to
}()
