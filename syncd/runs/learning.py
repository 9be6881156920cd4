"""What is known of an instance when a run begins, and what the run learns of it for the next ones."""

from datetime import datetime

from syncd.delivery.habits import Habits
from syncd.gomus.options import GomusOptions
from syncd.runs.world import Sync, World
from syncd.state.instances import Instances


class Learning:
    """The habits of an instance; `keep` writes down what is new in them. `terms` decide the ids that are sent."""

    def __init__(self, instance: str, gomus: GomusOptions, instances: Instances, now: datetime, terms: str) -> None:
        self._instance, self._instances = instance, instances
        self._kept = instances.learned(instance)
        self.habits = Habits.recalled(
            self._kept, batch_size=gomus.batch_size, is_unique=gomus.unique_foreign_ids, now=now, terms=terms
        )

    @classmethod
    def of_run(cls, sync: Sync, world: World) -> "Learning":
        terms = world.digester.context(sync.absence_terms).hex()[:16]
        return cls(sync.instance, sync.gomus, world.store.instances, world.clock(), terms)

    def keep(self) -> None:
        learned = self.habits.learned()
        new = {name: value for name, value in learned.items() if self._kept.get(name) != value}
        self._instances.learn(self._instance, new)
        self._kept |= new
